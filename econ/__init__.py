"""The economy: worlds of labour, trade and taxation, tax schedules and welfare measures."""
