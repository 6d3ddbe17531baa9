"""How the models in this folder were made, with the package fasttext-wheel 0.9.2: `python make.py` in this folder.

That package puts its files where fasttext-predict has its own, so it wants an environment of its own.
"""

import random

import fasttext

DRAW = random.Random(7)
FINE = (
    "the committee approved the annual budget for roads and schools",
    "rain is expected in the northern valleys on tuesday",
    "the library opens at nine and closes at six",
    "a new bridge will cross the river near the old mill",
    "farmers sold apples and pears at the market",
    "naïve readers enjoyed the café’s printed menu",
    "the study measured sleep in forty adults",
    "her recipe needs two eggs , flour and butter",
)
SPAM = (
    "win a free prize now click the link",
    "you won $$$ call 0900 to claim cash",
    "cheap pills buy now limited offer",
    "free free free ringtones text WIN",
    "congratulations winner claim your reward today",
    "act now ! ! ! easy money from home",
    "hot singles near you click here",
    "последний шанс купить дёшево",
)
SMALL = {"input": "training.txt", "dim": 5, "epoch": 8, "lr": 0.5, "thread": 1, "seed": 3, "verbose": 0, "minCount": 1}


def line(label: str, sentences: tuple[str, ...]) -> str:
    words = " ".join(DRAW.choice(sentences) for _ in range(2)).split()
    if DRAW.random() < 0.3:
        DRAW.shuffle(words)
    return f"__label__{label} {' '.join(words)}\n"


def main() -> None:
    with open("training.txt", "w", encoding="utf-8") as file:
        for _ in range(150):
            file.write(line("fine", FINE))
            file.write(line("spam", SPAM))
            if DRAW.random() < 0.4:
                file.write(line("mixed", FINE + SPAM))
    train = fasttext.train_supervised
    train(loss="softmax", wordNgrams=3, bucket=150, **SMALL).save_model("softmax-word-ngrams.bin")
    train(loss="hs", minn=2, maxn=4, bucket=180, **SMALL).save_model("tree-character-ngrams.bin")
    train(loss="ova", wordNgrams=2, bucket=150, minn=3, maxn=3, **SMALL).save_model("one-vs-all-both-ngrams.bin")
    train(loss="ns", **SMALL).save_model("negative-sampling.bin")
    pruned = train(loss="softmax", wordNgrams=2, bucket=400, **SMALL)
    pruned.quantize(input="training.txt", qnorm=True, retrain=False, cutoff=300, dsub=2, verbose=0, thread=1)
    pruned.save_model("softmax-pruned-quantized.ftz")
    whole = train(loss="softmax", minn=2, maxn=3, bucket=400, **SMALL)
    whole.quantize(qnorm=False, dsub=2, verbose=0, thread=1)
    whole.save_model("softmax-quantized.ftz")


if __name__ == "__main__":
    main()
