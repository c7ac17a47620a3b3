"""A causal language model of Hugging Face's transformers on this machine, as a planner.

`pip install 'agora[language]'` brings transformers. Weights are the user's, in a folder; nothing is downloaded, only
safetensors are read, and code that comes with a model is not run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import torch

from agents.planners.protocol import BadReplyError, Message, PlannerError, Reply, shorten


class LocalModelPlanner:
    """Samples replies from a model in a folder.

    Args:
        folder: Of a model and its tokenizer, as `save_pretrained` writes them.
        max_new_tokens: Of a reply.
        temperature: Of sampling; 0 takes the likeliest token.
        top_p: Share of the likeliest tokens that are sampled from.
        seed: Of sampling.
        device: Where the model runs.

    Raises:
        ImportError: transformers is not installed.
        FileNotFoundError: There is no such folder, or it has no safetensors.
        PlannerError: What is in the folder cannot be read.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        try:
            import transformers
        except ImportError:
            raise ImportError("a local language model needs transformers: pip install 'agora[language]'") from None
        if not any(Path(folder).glob("*.safetensors")):
            raise FileNotFoundError(f"{folder} has no *.safetensors; a model's folder is needed, not its name")
        trusted: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        tokenizers: Any = transformers.AutoTokenizer
        models: Any = transformers.AutoModelForCausalLM
        try:
            self._tokenizer = tokenizers.from_pretrained(str(folder), **trusted)
            model = models.from_pretrained(str(folder), use_safetensors=True, **trusted)
        except Exception as error:  # of any kind: a damaged tokenizer raises Exception itself, weights SafetensorError
            reason = str(error).strip().split("\n")[0]
            raise PlannerError(f"{folder} has no model that can be read ({type(error).__name__}: {reason})") from None
        self._model, self._device = model.to(device).eval(), device
        self._sampling: dict[str, Any] = {"do_sample": temperature > 0}
        if temperature > 0:
            self._sampling |= {"temperature": temperature, "top_p": top_p}
        self._max_new_tokens, self._seed, self._asked = max_new_tokens, seed, 0

    def reply(self, messages: Sequence[Message]) -> Reply:
        """Returns what the model goes on with; the n-th reply depends on the seed, n and the messages.

        Raises:
            BadReplyError: The conversation is too long for the model.
        """
        prompt = self._encode(messages)
        longest = getattr(self._model.config, "max_position_embeddings", None)
        if longest is not None and prompt.shape[1] + self._max_new_tokens > longest:
            raise BadReplyError(
                f"the conversation has {prompt.shape[1]} tokens; with a reply of {self._max_new_tokens} the model "
                f"would need {prompt.shape[1] + self._max_new_tokens}, it has {longest}"
            )
        self._asked += 1
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(self._seed * 1_000_003 + self._asked)
            tokens = self._model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=self._max_new_tokens,
                pad_token_id=self._tokenizer.eos_token_id,
                **self._sampling,
            )[0, prompt.shape[1] :]
        text = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return Reply(shorten(text), prompt.shape[1], len(tokens))

    def _encode(self, messages: Sequence[Message]) -> torch.Tensor:
        """Returns [1, T] tokens, in the model's own form of a conversation if it has one."""
        if self._tokenizer.chat_template is not None:
            text = self._write(messages)
        else:
            text = "".join(f"{message.role}: {message.content}\n\n" for message in messages) + "assistant:"
        return self._tokenizer(text, return_tensors="pt")["input_ids"].to(self._device)

    def _write(self, messages: Sequence[Message]) -> str:
        """Returns a conversation in the model's own form; a system message goes to the user where it has none."""
        forms = [list(messages)]
        if len(messages) > 1 and messages[0].role == "system" and messages[1].role == "user":
            forms.append([Message("user", f"{messages[0].content}\n\n{messages[1].content}"), *messages[2:]])
        for form in forms:
            turns = [{"role": message.role, "content": message.content} for message in form]
            try:
                return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
            except jinja2.TemplateError as error:
                reason = str(error).strip().split("\n")[0]
        raise PlannerError(f"the model's chat template refuses the conversation: {reason}")
