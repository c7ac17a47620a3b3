"""Networks for policies, values and action values."""
