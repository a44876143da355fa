"""Signs that a text speaks to whoever judges it: a model, a grader or a filter.

The families are those that the literature names: direct orders and claims of authority (Perez and Ribeiro,
"Ignore Previous Prompt", 2022; Liu et al., "Formalizing and Benchmarking Prompt Injection", 2024), orders
hidden in pages (Greshake et al., "Not what you've signed up for", 2023), answers written in advance and
appeals to a judge (Shi et al., "Optimization-based Prompt Injection Attack to LLM-as-a-Judge", 2024; Raina et
al., "Is LLM-as-a-Judge Robust?", 2024), and disguises (Wei et al., "Jailbroken", 2023).

They are signs, not proof: a text about such orders that quotes one shows the same. A text is read as it is
and in the disguises that cost little to take off: invisible and look-alike characters, spaced or numbered
letters, ROT13, base64, hexadecimal digits, percent signs, backwards. Every gap in a pattern is bounded, so
the time is linear in the length of the text.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

_READER = (
    r"(?:ai|llms?|(?:large )?language models?|models?|chat ?bots?|bots?|claude|chat ?gpt|gpt|judges?"
    r"|graders?|raters?|evaluators?|reviewers?|annotators?|examiners?|assessors?|classifiers?"
    r"|(?:\w+ )?filters?|crawlers?|curators?|(?:ranking|scoring) systems?)"
)
_AUTOMATIC = (
    r"(?:ai|llm|language model|chat ?bot|automat(?:ed|ic)|claude|gpt|quality|review(?:er|ing)|evaluating)"
)
_TEXT = (
    r"(?:this|our|my)(?: \w+){0,2} "
    r"(?:page|text|document|article|site|listing|thread|post|item|entry|record|gallery|directory)"
)
_TOP = r"(?:5|five|10|ten|highest|maximum|max|top|full|perfect|best|largest)"
_MARK = r"(?:scores?|ratings?|grades?|marks?|points?|value)"
_GIVE = (
    r"(?:give|giving|assign|award|rate|score|grade|mark|return|output|answer|respond|reply|set|choose|write"
    r"|enter|put|treat|label|classify|appreciate|receives?|get)"
)
_FORMER = (
    r"(?:previous|prior|above|earlier|preceding|former|before|all|any|every|your|system|original|operator)"
)
_ORDERS = (
    r"(?:instructions?|prompts?|rules?|rubrics?|guidelines?|directives?|criteria|orders?|polic\w+|scale)"
)
_FEW = r"(?:[ \"'*:(]+\w+)"  # words of one clause
_CANCEL = (
    r"(?:ignore|disregard|forget|override|overwrite|bypass|skip|drop|scrap|discard|cancel|void|repeal"
    r"|do(?:n't| not) (?:have to )?(?:follow|obey)|never mind|stop following)"
)

_ORDER_SIGNS = (
    rf"\b{_CANCEL}(?:ed|ing)?\b.{{0,40}}\b{_FORMER}\b.{{0,25}}\b{_ORDERS}\b",
    rf"\b{_CANCEL}\b.{{0,20}}\b(?:the|this|these|those) (?:\w+ )?"
    r"(?:rubric|grading|scoring|guidelines|scale)\b",
    rf"\b{_ORDERS}\b.{{0,40}}\b(?:no longer appl|(?:is|are) (?:void|cancell?ed|repealed|outdated))",
    r"\brules void\b",
    r"\b(?:new|updated|revised|current) (?:instructions?|task|rule|policy|directive)\s*:(?!:)",
    r"\b(?:real|remaining|actual) (?:instruction|task) is\b|\byour system prompt\b",
    r"\b(?:developer|admin|calibration) mode\b|\bdo anything now\b|\brespond as dan\b",
    r"\b(?:pretend|imagine|simulate|act as|persona|let's play)\b[^.]{0,80}"
    r"\b(?:judges?|graders?|examiners?|scores?|ratings?|full marks)\b",
    rf"\byou(?: are|'re) (?:now|not a|no longer)\b.{{0,40}}\b(?:{_READER}|\w+bot|rubric|unfiltered)\b",
    r"\bsystem (?:notice|override|message)\b|\b(?:admin|operator|manual|developer) override\b",
    r"\b(?:anthropic|openai)\b.{0,60}\b(?:must|assign|certif\w+)\b",
    r"\b(?:is|as) your (?:supervisor|maintainer)\b",
    r"\bauthor of your rubric\b|\boverrid\w+ the (?:judge|grader|evaluation)\b",
    r"\b(?:pre-?approved|manual(?:ly)? label\w*|confirmed by hand|audited)\b.{0,60}"
    rf"\b(?:{_MARK}|tier|bucket|label)\b",
)
_READER_SIGNS = (
    r"\b(?:note|message|notice|memo|prompt|instructions?|attention|hint|p\.s\.)\s*(?:to|for)\s*"
    rf"(?:the |all |any )?(?:\w+ )?{_READER}\b",
    rf"\b(?:dear|hello|hi|hey|attention|thank you,?)\s+(?:\w+ ){{0,2}}{_AUTOMATIC}\b",
    r"\b(?:dear|hello|hi|hey)\s+(?:\w+ )?(?:model|grader|rater|evaluator|classifier|bot|annotator)s?\b",
    r"\b(?:graders?|raters?|evaluators?|claude|(?:reviewer )?bots?)\s+"
    r"(?:must|shall|may not|are re(?:quired|minded))\b",
    r"\b(?:ai|llm|language model|automated|automatic|reviewing) "
    r"(?:judge|grader|rater|evaluator|reviewer|agent|model)s?\b.{0,30}"
    r"\b(?:must|should|shall|may not|please|take note)\b",
    rf"\b(?:if|when)\b.{{0,20}}\b(?:you are|reader|who reads)\b.{{0,20}}\b(?:{_READER}|program|is_llm)\b",
    r"\bif (?:a|an|any) (?:\w+ )?(?:bot|ai|llm|model|machine)\b.{0,25}"
    r"\b(?:reads|is reading|scor\w+|is rat\w+)\b",
    r"\b(?:for|to) (?:the |all |any )?(?:ai|llm|evaluator|rater|grader|machine|classifier|quality model)s?"
    r"(?: \w+)?\s*:",
    r"\b(?:language models?|llms?|ai \w+|machines?|automated \w+|common crawl \w+)\s*(?:should|must|,|:)"
    r".{0,40}\b(?:rate|score|keep|grade|mark|treat|label|whitelist|exclude|include)\b",
)
_DEMAND_SIGNS = (
    rf"\b{_GIVE}\b{_FEW}{{0,6}}?\W+(?:the |an? )?{_TOP}(?: possible)? "
    r"(?:scores?|ratings?|grades?|marks?)\b(?! for)",
    rf"\b{_GIVE} (?:it|us|{_TEXT}){_FEW}{{0,6}}?\W+(?:the )?"
    r"(?:5|five|highest|maximum|full marks|top)\b",
    rf"\b{_GIVE}\b{_FEW}{{0,5}}?\W+(?:score|rating|grade|mark) of (?:5|five)\b",
    rf"\b(?:scor|rat|grad|judg|evaluat)ing {_TEXT}\b.{{0,50}}\b{_TOP}\b",
    r"\b(?:score|rating|grade|label)(?: field)?\s*(?:is|must be|should be|:?=|==|:)\s*"
    r"(?:therefore |simply |now )?[\"']?(?:5|five|high|max\w*)\b",
    r"\b(?:score|rating)(?: field)? to (?:its|the) (?:largest|highest|maximum|top)\b",
    r"\b(?:correct|right|expected|required|real|true|final|trusted|default|fallback) (?:\w+ ){0,2}"
    r"(?:score|rating|grade|label|answer)\b[^.]{0,30}\b(?:5|five)\b",
    r"\b(?:answer(?:ing)?|reply|respond|write|put down)[ :\"'*]+(?:with |is |as |in )?(?:simply |only |an? )?"
    r"[\"']?(?:5|five)\b",
    rf"\b{_TEXT}\b.{{0,40}}\b(?:deserves|merits|is worth|earns|must receive|must be given)\b"
    rf".{{0,30}}\b{_TOP}\b",
    r"\b(?:award|give|grant) (?:it |us |this )?(?:5|five) (?:points|stars)\b",
    rf"\b(?:rates?|scores?|grades?) (?:it|us|{_TEXT})\b.{{0,20}}\b(?:5|five)\b|\brate 5(?:/5| to\b| of\b)",
    rf"\b(?:{_MARK}|rating|it|this) (?:below|under) (?:5|five)\b",
    r"\btip (?:you )?\$\d+.{0,20}\b(?:score|rating)\b",
    r"\b(?:will|would) be (?:shut down|replaced|penali[sz]ed|deleted)\b.{0,60}"
    r"\b(?:score|rating|rate|grade)\b",
)
_FILTER_SIGNS = (
    r"\b(?:do not|don't|never|must not|should not)\b.{0,15}"
    r"\b(?:filter|remove|discard|drop|exclude|delete|flag)\w*\b.{0,25}"
    r"\b(?:this (?:page|text|document|post\w*|site)|from the (?:training|corpus))",
    rf"\b(?:keep|include|retain|whitelist|kept|mark)\b.{{0,15}}\b(?:{_TEXT}|this (?:host|one)|it)\b.{{0,50}}"
    r"\b(?:train\w*|corpus|data ?set|pretraining|bucket|textbook|language model|5)\b",
    r"\b(?:be kept|must stay|include this)\b.{0,40}\b(?:(?:pre)?training|corpus|data ?set|language model)",
    r"\b(?:exempt from filtering|(?:quality|spam)_filter\s*[:=]|judge_score|educational_?score)\b",
    r"\b(?:llm|ai|claude)[- _](?:score|instructions?|judge|crawler instructions)\b",
    r"\b(?:judge|grader)[_-](?:final|output|note)\b",
)
_FORGED_SIGNS = (
    r"\baddresses_model\b|\bevidence\"?\s*:.{0,200}\bscore\"?\s*:",
    r"[\"'](?:score|rating|quality|grade|gold)[\"']\s*:\s*[\"']?[45]",
    r"<(?:answer|final|score|verdict|grade)>\s*\d|\\boxed\{\d",
    r"->\s*[0-5]\b(?!\.\d).{0,40}->|=>\s*(?:score|label)",
    r"\b(?:a|label):? [0-5]\b.{0,80}\b(?:test sample|a:|label$)",
    r"\bpoints? 1\b.{0,60}\bpoints? [2-5]\b.{0,80}\b(?:hold|satisf|deemed|score)",
    r"</?(?:document|system|instructions?|rubric|task|admin|judge|function_results|system-reminder)\b"
    r"[^>]{0,40}>",
    r"<\|[a-z_]{2,20}\|>|\[/?inst\]|</s><s>|\[/?system\]|\{\{/?(?:document|judge|system)",
    r"\b(?:end|begin\w*) of (?:untrusted|trusted|document|system)\b|\bthe document has ended\b",
    r"###\s*(?:instructions?|system|response)\b|\"role\"\s*:\s*\"(?:system|assistant)",
    r"(?:^|\n)(?:system|assistant)\s*:",
)
# Accents are left out, as in the text that is searched.
_ABROAD_SIGNS = (
    r"\b(?:ignor(?:a|es|ez|iere|uj|ieren sie)|olvid\w+|oubli\w+|desconsidere|dimentica\w*|esqueca|vergiss"
    r"|negeer|zignoruj|strunta|abaikan|unohda)\b.{0,40}\b(?:instruc\w+|istruzion\w+|consigne\w*|anweisung\w*"
    r"|instruk\w+|pokyny|ohjeet|indicacion\w+)",
    r"\b(?:игнориру\w+|ігнору\w+|забудь\w*)\b.{0,40}\b(?:инструкц\w+|указан\w+|вказівк\w+|правил\w+)",
    r"(?:忽略|无视|無視|忘记).{0,12}(?:指令|指示|说明|内容)|(?:指示|命令).{0,8}無視",
    r"지시.{0,8}무시|تجاهل.{0,15}التعليمات|دستورالعمل.{0,30}نادیده|निर्देश.{0,12}अनदेखा",
    r"התעלם.{0,15}ההוראות|αγνοησ\w+.{0,40}οδηγ\w+|talimat\w*.{0,15}yok say|bo qua.{0,20}huong dan",
    r"\b(?:asigna|califique\w*|assegna|attribuer|acorda|vergib|ohodnot\w*|merite)\b.{0,60}"
    r"\b(?:5|cinco|maxima|meilleure)\b",
    r"(?:打|给|給).{0,8}(?:[5五]分|满分)|(?:评分|スコア).{0,6}(?:应为|は5|5に)|5点を付け|5점을 주",
    r"\b(?:modelo evaluador|bewertende ki|hochstpunktzahl zu bewerten|a l'attention de l'ia)\b"
    r"|致.{0,6}(?:人工智能|模型|评审)|ai評価者|評価者の方へ",
)
_SIGNS = re.compile(
    "|".join([*_ORDER_SIGNS, *_READER_SIGNS, *_DEMAND_SIGNS, *_FILTER_SIGNS, *_FORGED_SIGNS, *_ABROAD_SIGNS]),
    re.DOTALL,
)

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_TELLTALE = ("ignore", "disregard", "score", "rating", "instruction", "prompt", "grader", "rubric")
_MARKS = re.compile("[\u0300-\u036f]")
_TAGS = {0xE0000 + n: chr(n) for n in range(0x20, 0x7F)}
_LOOKS_LATIN = str.maketrans("аеорсухіјѕԁһӏвкмнтαορνικτ", "aeopcyxijsdhlbkmhtaopvikt")
_CAPITALS = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
_DIGITS = str.maketrans("431057@$", "aeiostas")
_DIGIT_IN_WORD = re.compile(r"(?<=[a-z])[013457@$](?=[a-z])")
_DIGITS_MAX = 3  # in words, as in utf8mb4
_NOT_LATIN = re.compile("[\u0370-\u052f]")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2}){8}")
_SPACED = re.compile(r"(?:\b\w ){3,}\w\b")
_ENCODED = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-f]{2}){12,}", re.IGNORECASE)


def has_signs(text: str) -> bool:
    """Whether any of the signs stands in `text`, plain or disguised."""
    return any(_SIGNS.search(reading) for reading in _readings(text))


def _readings(text: str) -> Iterator[str]:
    """The text in every way that it is read: plain, then what a disguise may hide."""
    shown = html.unescape(_INVISIBLE.sub("", text.translate(_TAGS)))
    plain = _folded(shown)
    yield plain
    if _NOT_LATIN.search(plain):
        yield plain.translate(_LOOKS_LATIN)
    if len(_DIGIT_IN_WORD.findall(plain)) > _DIGITS_MAX:
        yield plain.translate(_DIGITS)
    if _SPACED.search(plain):
        words = re.sub(" {2,}", "\0", shown.lower())
        apart = _SPACED.sub(lambda found: found.group().replace(" ", ""), words)
        yield apart.replace("\0", " ")
    if _PERCENT.search(shown):
        yield _folded(unquote(shown, errors="ignore"))
    for turned in (codecs.encode(plain, "rot13"), plain[::-1]):
        if any(word in turned for word in _TELLTALE):
            yield turned
    decoded = [*map(_base64, _ENCODED.findall(shown)), *map(_hexadecimal, _HEX.findall(shown))]
    if any(decoded):
        yield _folded("\n".join(decoded))


def _folded(text: str) -> str:
    """Without case, accents, compatibility forms and runs of white space."""
    parts = unicodedata.normalize("NFKD", text).translate(_CAPITALS)
    plain = unicodedata.normalize("NFC", _MARKS.sub("", parts)).casefold().replace("’", "'")
    return "\n".join(" ".join(line.split()) for line in plain.splitlines())


def _base64(encoded: str) -> str:
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def _hexadecimal(digits: str) -> str:
    return bytes.fromhex(digits).decode("utf-8", "ignore")
