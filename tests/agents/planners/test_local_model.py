"""A language model on this machine: a tiny one with random weights, made here, plays the part of the user's."""

import builtins
import shutil

import pytest
import torch

from agents.planners.local_model import LocalModelPlanner
from agents.planners.protocol import BadReplyError, Message, PlannerError

ASK = [Message("system", "Play a game."), Message("user", "What now?")]
LENGTH = 64  # tokens that the model can bear


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    words = ["<end>", "<other>", "Play", "a", "game", "What", "now", "system", "user", "assistant", "EXECUTE", "WAIT"]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<other>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("model")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", unk_token="<other>").save_pretrained(path)
    torch.manual_seed(1)
    size = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": LENGTH, "vocab_size": len(words)}
    model = GPT2LMHeadModel(GPT2Config(**size, bos_token_id=0, eos_token_id=0))
    model.save_pretrained(path, safe_serialization=True)
    return path


def test_the_likeliest_reply_is_the_same_each_time_and_is_counted(folder):
    planner = LocalModelPlanner(folder, max_new_tokens=8)
    first, second = planner.reply(ASK), planner.reply(ASK)
    assert first == second
    assert first.text
    # "system : Play a game . user : What now ? assistant :" is 13 words and marks.
    assert first.prompt_tokens == 13
    assert 1 <= first.completion_tokens <= 8


def test_sampled_replies_depend_on_the_seed_and_leave_torchs_generator_alone(folder):
    torch.manual_seed(5)
    expected = torch.rand(1)
    texts = []
    for seed in (0, 0, 1):
        torch.manual_seed(5)
        planner = LocalModelPlanner(folder, max_new_tokens=8, temperature=1.0, seed=seed)
        texts.append([planner.reply(ASK).text for _ in range(4)])
    assert texts[0] == texts[1] != texts[2]
    assert len(set(texts[0])) > 1
    assert torch.rand(1) == expected


def test_a_conversation_that_is_too_long_is_refused(folder):
    planner = LocalModelPlanner(folder, max_new_tokens=8)
    with pytest.raises(BadReplyError, match=f"it has {LENGTH}"):
        planner.reply([Message("user", "now " * LENGTH)])


TURNS = (
    "{% if message.role not in ['user', 'assistant'] %}{{ raise_exception('System role not supported') }}{% endif %}"
)
ALIKE = (
    "{% if loop.index0 % 2 != (message.role == 'assistant') %}{{ raise_exception('Roles must\nalternate') }}{% endif %}"
)
NO_SYSTEM = (
    f"{{% for message in messages %}}{TURNS}{ALIKE}{{{{ message.role }}}} {{{{ message.content }}}} {{% endfor %}}"
)


def test_a_model_without_a_system_role_is_told_its_task_by_the_user(folder):
    """As the templates of Gemma and early Mistral models, which also want the roles to take turns."""
    planner = LocalModelPlanner(folder, max_new_tokens=2)
    planner._tokenizer.chat_template = NO_SYSTEM
    # "user Play a game . What now ?" is 8 words and marks.
    assert planner.reply(ASK).prompt_tokens == 8
    with pytest.raises(PlannerError, match=r"template refuses the conversation: Roles must$"):
        planner.reply([*ASK, ASK[1]])


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_damaged_model_ends_in_one_line(folder, tmp_path, name):
    shutil.copytree(folder, tmp_path / "model")
    path = tmp_path / "model" / name
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(PlannerError, match="has no model that can be read") as error:
        LocalModelPlanner(tmp_path / "model")
    assert "\n" not in str(error.value)


def test_only_a_folder_with_safetensors_is_read(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no .*safetensors"):
        LocalModelPlanner("some/name-of-a-model")
    (tmp_path / "pytorch_model.bin").write_bytes(b"could run anything")
    with pytest.raises(FileNotFoundError, match=r"has no .*safetensors"):
        LocalModelPlanner(tmp_path)


def test_without_transformers_the_error_says_what_to_install(folder, monkeypatch):
    import_module = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "transformers":
            raise ImportError
        return import_module(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"agora\[language\]"):
        LocalModelPlanner(folder)
