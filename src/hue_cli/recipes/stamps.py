"""Whether a file is stamped with a recipe's digest, by today's rules or by those before.

Digests covered a recipe's prose once. Files that were stamped then are left as they are, since their own SHA-256 is
known; their stamps are understood here.
"""

from __future__ import annotations

from hue_cli.recipes.schema import Recipe, digest_of

_FORMER = {
    # cnn-curriculum
    "5c2fde1584ebf3f4d698d2e48f952592617ce831f00775e8e7a30acc0abf482f": (
        "f8a84bfc10b5021003e3db48b82da73eeebe3db6177bb61bc5b143015296d68f"
    ),
    # residual
    "7abde0134f69075e2e764da048bdf918d02729878b27dc2431ea9294845a7c10": (
        "5a26e39807c8ea78dcdef0bdc70525389290a258ff48491b46fcbe0d2de388ef"
    ),
    # residual-curriculum-old
    "287c7669f9d64b412c984e4ec85560b5a6011ae67df20f0c8e6059703ef6c09e": (
        "c69d50d89f9f4164b76ffb9545971eb1c8298caaf6353eb21a402820f412213a"
    ),
    # residual-curriculum
    "9a7880c3cc0269a1ef77fb1a232ea20ac5ca9d65ab9efe69f03a26c3a363327d": (
        "6f40fb88af3b37c7c82882a0d60fc192e8d509c912407dfb9c8abd9edbd7754f"
    ),
    # hue-s
    "9e1f6659cf177b7b6480b6ba631b3a2f25cbe9c74d07c1155c9e6fb2ed0ca381": (
        "198a2cf15cb3f3050ca3b1f6c379c5a00a086668a67b932be10da1189a6c9d3e"
    ),
}
"""Digests of released recipes as they were before, and as they are."""


def is_stamp_of(recipe: Recipe, digest: str | None) -> bool:
    """Whether a digest that a file carries is a recipe's.

    Of digests that cover prose, too, those of the recipe word for word are known, which a run folder has; and those of
    released recipes, however they have been reworded since.
    """
    now = recipe.digest()
    return digest in (now, digest_of(recipe, without=())) or _FORMER.get(str(digest)) == now
