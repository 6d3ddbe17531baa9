"""The recipe that tells which of several versions makes the better model."""

from dataset_cards.versions.errors import Misuse
from dataset_cards.versions.step import Step
from dataset_cards.versions.version import DatasetVersion

from .pretrain.pretrain import Pretrain
from .schedule import Schedule
from .study.compare import DATA, Compare
from .trainer import training


def compare(
    *,
    versions: list[DatasetVersion],
    held_out: DatasetVersion,
    tokenizer: DatasetVersion | None = None,
    task: DatasetVersion | None = None,
    against: DatasetVersion | None = None,
    seeds: int = 3,
    tokens: int = 500_000,
    hidden: int = 128,
    layers: int = 4,
    heads: int = 4,
    vocabulary: int = 4096,
    context: int = 256,
    batch_size: int = 16,
    learning_rate: float = 2e-3,
    repair: bool = True,
    seed: int = 0,
) -> Step:
    """Which of two to nine versions of documents makes the better small model, and whether that is beyond noise.

    The same model and number of tokens for each version and seed; all are measured on the same held-out documents. The
    model that is kept is one of the best version's.

    Args:
        versions: those to compare, as raw@1.0.0,filtered@1.0.0.
        held_out: documents to measure by; rows of the versions that are the same text are left out.
        tokenizer: a model whose tokenizer all take; without one, each version trains its own, and bits per byte are
            comparable all the same, but the same number of tokens is another number of bytes.
        task: preferences; the share of pairs whose better answer a model finds likelier is compared too.
        against: evaluation rows that may not be learned from.
        seeds: models for each version, three or more.
        tokens: that each model reads.
        hidden, layers, heads, vocabulary, context, batch_size, learning_rate: as in `pretrain`.
        repair: leave out leaks and duplicates, in place of stopping.
        seed: the first of the seeds.
    """
    if not 2 <= len(versions) <= 9:
        raise Misuse(f"-p versions: {len(versions)} given; name two to nine, with commas between them")
    if len({version.fingerprint for version in versions}) < len(versions):
        raise Misuse(f"-p versions={','.join(one.ref for one in versions)}: two of these are the same rows")
    pretrain = Pretrain(
        schedule=Schedule(batch_size=batch_size, learning_rate=learning_rate, decay="cosine", weight_decay=0.1),
        tokens=tokens,
        hidden=hidden,
        layers=layers,
        heads=heads,
        vocabulary=vocabulary,
        context=context,
        repair=repair,
        seed=seed,
        points=0,
    )
    data = {f"{DATA}{number}": version for number, version in enumerate(versions, 1)}
    op = Compare(pretrain=pretrain, seeds=seeds)
    return training(op, **data, held_out=held_out, tokenizer=tokenizer, task=task, against=against)
