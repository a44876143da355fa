"""How tokens of other languages are cut otherwise than English ones.

After the tokenizers of spaCy 3.8 (spacy/lang/*/punctuation.py and tokenizer_exceptions.py, MIT), which
datatrove's filters cut by; of the differences those that decide verdicts (docs/parity.md).
"""

HYPHENS_HOLD = 1 << 0  # `S-Bahn` is one token; in English three
HYPHENS_CUT = 1 << 1  # `1919–1932` and `A-1` are three tokens; in English one each
NUMBERS_KEEP_STOPS = 1 << 2  # `3. Mai`: a full stop belongs to the number before it
SLASHES_CUT = 1 << 3  # `1/2` is three tokens; in English only a slash before a letter cuts
FINAL_SLASH_CUT = 1 << 4  # `http://a.de/` is two tokens
STOPS_CUT = 1 << 5  # no abbreviations, and `9.11` is three tokens: every full stop is one
PARENTHESES_CUT = 1 << 6  # `Tag(e` is three tokens; so are letters with `!`, `?` or a quotation mark between
NUMBERS_HOLD = 1 << 7  # `1914-18` is one token; in English three
CLITICS_HOLD = 1 << 8  # no `'s` or `n't`: `geht's` is one token
GERMAN_ABBREVIATIONS = 1 << 9  # in place of the English ones

ABBREVIATIONS = (
    "Abb Abk Abs Abt Apr Aug Bd Betr Bf Bhf Biol Bsp Chr Cie Co Dez Di Dipl Do Dr Fa Fam Feb Fr Frl Gebr "
    "Hbf Hg Hr Hrn Hrsg Inc Ing Jan Jh Jhd Jr Jul Jun Mi Mio Mo Mr Mrd Mrz MwSt Nov Nr Okt Orig Pkt Prof "
    "Red Sa Sep Sept So St Std Str Tel Tsd Univ Vol abzgl adv al allg betr biol bspw bzgl bzw ca co dgl "
    "ebd ehem eigtl engl entspr erm etc ev evtl frz geb gegr gem ggf ggfs hrsg incl inkl insb jr jun jur "
    "kath lat lt max min mind mtl nat orig pers phil rer sen sog std stellv usf usw uvm vgl vllt vlt vs "
    "wiss zzgl"
).split()
"""Those of German in ASCII that end with their full stop."""

_GERMANIC = HYPHENS_HOLD | PARENTHESES_CUT | CLITICS_HOLD

CONVENTIONS = {
    "ca": HYPHENS_HOLD,
    "de": _GERMANIC | NUMBERS_KEEP_STOPS | SLASHES_CUT | FINAL_SLASH_CUT | GERMAN_ABBREVIATIONS,
    "en": 0,
    "es": HYPHENS_HOLD | NUMBERS_HOLD | CLITICS_HOLD,
    "fr": HYPHENS_HOLD | CLITICS_HOLD,
    "id": HYPHENS_HOLD | SLASHES_CUT,
    "it": 0,
    "nl": _GERMANIC | NUMBERS_HOLD,
    "no": _GERMANIC | NUMBERS_HOLD | NUMBERS_KEEP_STOPS,
    "pl": HYPHENS_CUT | STOPS_CUT | PARENTHESES_CUT,
    "pt": HYPHENS_HOLD | NUMBERS_HOLD,
    "ru": 0,
    "sv": _GERMANIC | NUMBERS_HOLD,
}
"""By ISO 639-1, the languages that have been held against spaCy's."""
