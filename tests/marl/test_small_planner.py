"""The stand-in language model: it learns a tiny task's plans, goes on where it was stopped, is read back as it was."""

import pytest
import torch

import games
from agents.planners.plans import Plan, read_plan
from agents.planners.prompts import feedback, question
from agents.planners.protocol import BadReplyError, Message, PlannerError
from agents.planners.small_model import (
    MOST_REFUSALS,
    SPECIAL,
    Size,
    SmallLanguageModel,
    SmallModelPlanner,
    Vocabulary,
    join,
    load_model,
    split,
)
from games.wording import wording
from marl.small_planner import REFUSAL, Corpus, Settings, encode, loss_of, main, train

SMALL = Size(length=160, width=32, layers=1, heads=2)
SETTINGS = Settings(
    max_shift=4, steps=6, batch_size=8, learning_rate=5e-3, save_every=3, qualities=((0.1, 0.7), (1.0, 0.3))
)


def corpus(settings=SETTINGS):
    return Corpus("cooperation/sort_v0", settings, level="sort2")


class StoppedError(Exception):
    pass


def trained(folder, steps, stop_at=None, **changes):
    settings = Settings(**{**vars(SETTINGS), "steps": steps, **changes})
    losses = []

    def report(step, loss):
        losses.append(loss)
        if step == stop_at:
            raise StoppedError

    model = train(corpus(settings), folder, settings, SMALL, report)
    return model, losses


def test_texts_are_split_and_joined_as_they_were():
    for talk in corpus().episode(0):
        for message in talk:
            assert join(split(message.content)) == message.content


def test_only_what_the_planner_says_is_learned():
    words = corpus().vocabulary()
    for number in range(5):
        for talk in corpus().episode(number):
            numbers, said = encode(talk, words, 10_000)
            texts = [message.content + " <end>" for message in talk if message.role == "assistant"]
            learned = words.decode([n for n, is_said in zip(numbers, said, strict=True) if is_said])
            assert learned.split() == " ".join(texts).split()


def test_what_follows_a_refusal_is_another_plan_of_the_same_script():
    refused = [talk for n in range(40) for talk in corpus().episode(n) if len(talk) > 2]
    assert len(refused) > 10
    for talk in refused:
        plans = [message.content for message in talk if message.role == "assistant"]
        assert len(set(plans)) == len(plans) <= MOST_REFUSALS + 1
        assert all(message.content.startswith("[Feedback]") for message in talk[2::2])
    reasons = [message.content.split("\n")[1] for talk in refused for message in talk[2::2]]
    assert any(" cannot " in reason for reason in reasons), "the world's"
    assert REFUSAL in reasons


def test_a_long_argument_is_read_from_its_state_and_its_latest_refusals():
    words = Vocabulary(["state", "plan"] + [f"no{number}" for number in range(9)])
    talk = [Message("user", "[State] state")]
    for number in range(MOST_REFUSALS + 3):
        talk += [Message("assistant", "plan"), Message("user", f"no{number}")]
    read = words.decode(words.encode_conversation(talk))
    assert "state" in read
    assert [f"no{n}" in read for n in range(MOST_REFUSALS + 3)] == [False] * 3 + [True] * MOST_REFUSALS


def test_the_loss_is_the_mean_surprise_by_hand():
    """A model whose logits are all alike is surprised by log(number of words), whatever it reads."""
    words = corpus().vocabulary()
    model = SmallLanguageModel(len(words.words), SMALL)
    torch.nn.init.zeros_(model.words.weight)
    loss = loss_of(model, corpus().episode(0), words)
    assert loss.item() == pytest.approx(torch.log(torch.tensor(float(len(words.words)))).item(), rel=1e-5)


def test_a_word_depends_on_those_before_it_alone():
    torch.manual_seed(0)
    model = SmallLanguageModel(20, SMALL).eval()
    words = torch.randint(20, (2, 12))
    changed = words.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % 20
    with torch.inference_mode():
        one, other = model(words), model(changed)
    torch.testing.assert_close(one[:, :7], other[:, :7])
    assert not torch.allclose(one[:, 7:], other[:, 7:])


def test_word_by_word_comes_out_what_comes_out_at_once():
    torch.manual_seed(0)
    model = SmallLanguageModel(20, SMALL).eval()
    words, past, logits = torch.randint(20, (2, 12)), [], []
    with torch.inference_mode():
        first, past = model.go_on(words[:, :5], past)
        logits.append(first)
        for at in range(5, 12):
            one, past = model.go_on(words[:, at : at + 1], past)
            logits.append(one)
        torch.testing.assert_close(torch.cat(logits, dim=1), model(words), rtol=1e-4, atol=1e-5)


def test_words_behind_those_that_were_read_come_out_as_all_at_once():
    torch.manual_seed(0)
    model = SmallLanguageModel(20, SMALL).eval()
    words = torch.randint(20, (2, 12))
    with torch.inference_mode():
        first, past = model.go_on(words[:, :5], [])
        rest, _ = model.go_on(words[:, 5:], past)
        torch.testing.assert_close(torch.cat([first, rest], dim=1), model(words), rtol=1e-4, atol=1e-5)


def test_what_was_read_before_changes_no_reply():
    """Questions that share a beginning, go on or are others, beside a planner who reads each anew."""
    torch.manual_seed(0)
    vocabulary = Vocabulary([f"panel{number}" for number in range(30)])
    model = SmallLanguageModel(len(vocabulary.words), SMALL).eval()
    talk, planner = [Message("user", "[State] panel1 panel2")], SmallModelPlanner(model, vocabulary, 0, max_words=6)
    for following in ("panel3 panel4", "panel3 panel4", "panel5", "[State] panel1 panel2", "[State] panel7"):
        anew = SmallModelPlanner(model, vocabulary, 0, max_words=6).reply(talk)
        assert planner.reply(talk) == anew
        talk += [Message("assistant", anew.text), Message("user", following)]


def test_conversations_begin_elsewhere_than_the_level_and_some_ask_robot_by_robot():
    made = corpus()
    start = wording(games.spec("cooperation/sort_v0").config(level="sort2"))
    batch = games.make_batch("cooperation/sort_v0", level="sort2")
    batch.reset()
    own = start.describe(batch.fields(0)).split("\n")[1:]
    talks = [made.episode(number) for number in range(40)]
    firsts = [episode[0][0].content for episode in talks]
    assert not any("\n".join(own) in first for first in firsts)
    alone = [episode for episode in talks if "Answer for Alice." in episode[0][0].content]
    assert 3 <= len(alone) <= 20, "a quarter of 40, four standard deviations either way"
    assert all(talk[1].content.startswith("PROCEED") for episode in alone for talk in episode)


def test_scores_of_refusals_are_no_words():
    words = corpus().vocabulary()
    assert words.encode("The score of this plan is -0.31; it must be above 0.20.").count(1) == 2


def test_a_stopped_training_ends_with_the_same_weights(tmp_path):
    whole, _ = trained(tmp_path / "whole", 6)
    with pytest.raises(StoppedError):
        trained(tmp_path / "stopped", 6, stop_at=4)
    stopped, later = trained(tmp_path / "stopped", 6)
    assert len(later) == 3
    for (name, one), other in zip(whole.state_dict().items(), stopped.state_dict().values(), strict=True):
        assert torch.equal(one, other), name
    read, _ = load_model(tmp_path / "stopped")
    assert all(torch.equal(one, other) for one, other in zip(whole.parameters(), read.parameters(), strict=True))


def test_the_learning_rate_falls_to_nothing_in_a_straight_line(tmp_path, monkeypatch):
    rates, step = [], torch.optim.AdamW.step

    def watched(self, *arguments, **keywords):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *arguments, **keywords)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    trained(tmp_path, 4)
    assert rates == pytest.approx([5e-3, 3.75e-3, 2.5e-3, 1.25e-3])


def test_it_learns_the_form_of_plans(tmp_path):
    """After some seconds on the two-step level most sampled replies are plans; before, none is."""
    shares = []
    for steps in (1, 200):
        _, losses = trained(tmp_path / str(steps), steps, max_shift=0)
        planner = SmallModelPlanner(*load_model(tmp_path / str(steps)), temperature=0.5, seed=3)
        batch = games.make_batch("cooperation/sort_v0", level="sort2")
        batch.reset()
        words = wording(batch.config)
        talk = [question(words, batch.fields(0), [0, 1, 2])]
        replies = [planner.reply(talk) for _ in range(10)]
        shares.append(sum(isinstance(read_plan(reply.text, words, [0, 1, 2]), Plan) for reply in replies) / 10)
        talk += [Message("assistant", replies[0].text), feedback(words, [0, 1, 2], ["The plan was not accepted."])]
        assert planner.reply(talk).prompt_tokens > replies[0].prompt_tokens
    assert shares[0] == 0
    assert shares[1] >= 0.6
    assert losses[-1] < 0.5 * losses[0]
    with pytest.raises(BadReplyError, match="the model bears 160"):
        planner.reply([Message("user", "panel1 " * 200)])
    for name in ("model.json", "model.safetensors"):
        whole = (tmp_path / "1" / name).read_bytes()
        (tmp_path / "1" / name).write_bytes(whole[:50])
        with pytest.raises(PlannerError, match=r"has no stand-in that can be read .*"):
            load_model(tmp_path / "1")
        (tmp_path / "1" / name).write_bytes(whole)
    (tmp_path / "1" / "model.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no model.json: python -m marl.small_planner"):
        load_model(tmp_path / "1")


def test_no_text_writes_the_special_words():
    words = Vocabulary(["panel1"])
    assert words.encode(" ".join(SPECIAL) + " panel1") == [1, 1, 1, 1, 4]


def test_what_was_refused_before_the_last_state_is_not_read():
    """It has learned nothing from that; so Reflexion-like is the same to it as checks of validity."""
    words = Vocabulary(["state", "plan", "no", "In", "step"])
    plain = [Message("system", "task"), Message("user", "[State]\nstate"), Message("assistant", "plan")]
    told = [*plain[:1], Message("user", "[Reflection]\nIn step 0: no\n[State]\nstate"), *plain[2:]]
    assert words.encode_conversation(told) == words.encode_conversation(plain)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["cooperation/sert_v0"], "unknown environment id 'cooperation/sert_v0'; did you mean 'cooperation/sort_v0'?"),
        (["cooperation/sort_v0", "--level", "y9"], "unknown level 'y9'; known: sort1"),
        (["overcooked/read_cramped_room_v0", "--level", "y9"], "unknown setting of world overcooked 'level'"),
        (["grid/pursuit_v0"], "world pursuit has no words"),
    ],
)
def test_the_command_names_what_it_does_not_know(tmp_path, capsys, given, message):
    with pytest.raises(SystemExit):
        main([given[0], str(tmp_path / "folder"), *given[1:]])
    assert message in capsys.readouterr().err.split("error: ")[1]
    assert not (tmp_path / "folder").exists()


def test_the_command_makes_a_model_of_one_to_three_million_weights(tmp_path):
    main(["cooperation/sort_v0", str(tmp_path), "--level", "sort1", "--steps", "1"])
    model, _ = load_model(tmp_path)
    assert 1e6 < sum(weights.numel() for weights in model.parameters()) < 3e6
    assert (tmp_path / "losses.csv").exists()
