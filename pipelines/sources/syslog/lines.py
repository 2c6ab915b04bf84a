"""Syslog as text: how a line of each of its formats is told, and taken apart into its fields.

RFC 5424: https://www.rfc-editor.org/rfc/rfc5424#section-6; RFC 3164: https://www.rfc-editor.org/rfc/rfc3164#section-4
The templates of rsyslog, also without <PRI> as it writes files: https://www.rsyslog.com/doc/configuration/templates.html

Every repetition of a group is possessive (`*+`): others recurse, and a long line would overflow the stack.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.sources.reading.lines import SEPARATOR
from pipelines.sources.syslog.frames import frames_of

# In the order of the groups below. Structured data is null but in RFC 5424.
FIELDS = ("pri", "time", "host", "program", "pid", "message_id", "structured", "message")

# rsyslog writes <invld> where it was sent a priority that is none.
_PRI = r"(?:\d{1,6} )?(?:<(\d{1,3}|invld)>)"
_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_BSD = rf"{_MONTH} +\d{{1,2}} (?:\d{{4}} )?\d\d:\d\d:\d\d(?:[.]\d{{1,9}})?(?: \d{{4}})?"
_QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
PARAM = rf'([^\s=\]"\[]+)=({_QUOTED})'
ELEMENT = rf'\[([^\s=\]"\[]+)((?: +[^\s=\]"]+={_QUOTED})*+) *\]'
# The one word of a log's level that stands where others write a host.
_NO_LEVEL = r"(?!(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE|stdout|stderr)\b)"
_HOST = rf"{_NO_LEVEL}([^\s:\[\]]+|[0-9a-fA-F:.]+:[0-9a-fA-F:.]+)"

# <PRI>1 TIME HOST APP PROCID MSGID [SD] MSG, where `-` stands for nothing.
_HEADER = rf"^{_PRI}[1-9]\d? ({_ISO}|-) (\S{{1,255}}) (\S{{1,128}}) (\S{{1,128}}) (\S{{1,64}})"
# rsyslog keeps the blank behind the tag of RFC 3164 as the first of the message; it is none of it.
_RFC_5424 = rf"{_HEADER} (-|(?:\[[^\s=\]\"\[]++(?: +[^\s=\]\"]++={_QUOTED})*+ *\])++)(?:  ?([\s\S]*+))?$"
# As Heroku's routers send it, without structured data.
_WITHOUT_DATA = rf"{_HEADER}()(?: (?!\[)([\s\S]*+))?$"
# The colon is left out where the message came in RFC 5424 and has a process id.
_TAG = r"([^\s:\[\]<>]{1,128})(?:\[([^\]\s]{0,64})\])?(?::|(?<=\])(?=\s|$))"
# <PRI>Oct 11 22:14:15 host tag[pid]: MSG, by RFC 3164, and with a time of RFC 3339, as rsyslog forwards.
_WITH_HOST = rf"({_BSD}|{_ISO}):? {_HOST} +{_TAG}(?: ?([\s\S]*+))?$"
_BSD_WITH_HOST = rf"^{_PRI}{_WITH_HOST}"
_FILE = rf"^(){_WITH_HOST}"
_FILE_REPEATED = rf"^()({_BSD}|{_ISO}) (\S++)()() ((?:last message|message) repeated [\s\S]*+|-- MARK --[\s\S]*+)$"
# The same as a program writes it to /dev/log, without a host.
_LOCAL = rf"^{_PRI}({_BSD}|{_ISO}) (){_TAG}(?: ?([\s\S]*+))?$"
# A host, but no tag.
_UNTAGGED = rf"^{_PRI}({_BSD}|{_ISO}):? ([^\s:\[\]]+)()()(?: +([\s\S]*+))?$"
_FILE_UNTAGGED = rf"^()({_BSD}|{_ISO}) {_HOST}()()(?: +([\s\S]*+))?$"
# <PRI>29: router: *Mar  1 18:48:50.483 UTC: %SYS-5-CONFIG_I: MSG, of Cisco's devices.
_CISCO = (
    rf"^{_PRI}(?:\d+: )?(?:([\w.-]*[A-Za-z][\w.-]*): )?(?:\d+: )?[*.]?({_BSD})(?: [A-Z]{{3,5}})?: "
    rf"(%?[A-Z][\w-]*-\d-\w+)()\s*:(?: ?([\s\S]*+))?$"
)
# <PRI>Oct 11 2025 22:14:15 firewall : %ASA-6-302013: MSG, of Cisco's firewalls.
_FIREWALL = rf"^(?:{_PRI})?({_BSD}|{_ISO}) ([\w.-]+) ?: (%[A-Z][\w-]*-\d-\w+)(): ?([\s\S]*+)$"

_ALL_GROUPS = ("$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8")
_TAGGED = ("$1", "$2", "$3", "$4", "$5", "", "", "$6")
# Each with the groups that are FIELDS. What is sure to be syslog, wherever it is found,
_SURE_FORMATS = (
    (_RFC_5424, *_ALL_GROUPS),
    (_WITHOUT_DATA, *_ALL_GROUPS),
    (_BSD_WITH_HOST, *_TAGGED),
    (_LOCAL, *_TAGGED),
    (_CISCO, "$1", "$3", "$2", "$4", "$5", "", "", "$6"),
    (_FIREWALL, *_TAGGED),
    (_UNTAGGED, *_TAGGED),
    (_FILE, *_TAGGED),
    (_FILE_REPEATED, *_TAGGED),
)
# and what may be another's log, but not beside the others or in a topic of syslog.
_FORMATS = (*_SURE_FORMATS, (_FILE_UNTAGGED, *_TAGGED))

# Where a message of several in a value begins: all of one value are of one template.
_BEGINS_WITH_PRI = r"(?:\d{1,6} )?<(?:\d|invld)"
_BEGINS_WITH_TIME = rf"(?:{_MONTH} [ \d]?\d \d|\d{{4}}-\d\d-\d\dT\d)"


def is_syslog(text: Column, topic: Column) -> Column:
    """Whether it begins with a <PRI>, or else a line of it is of a format: the first may be the one that is spoilt."""
    begins = F.rlike(text, F.lit(r"^[\uFEFF\s]*(?:\d{1,6} )?<(?:\d{1,3}|invld)>"))
    lines = F.filter(
        F.split(text, r"\r?\n"), lambda line: F.rlike(line, F.lit(f"^(?:{_BEGINS_WITH_PRI}|{_BEGINS_WITH_TIME})"))
    )
    sure = F.lit("|".join(f"(?:{pattern})" for pattern, *_ in _SURE_FORMATS))
    likely = F.contains(F.lower(topic), F.lit("syslog")) & F.rlike(text, F.lit(rf"^[\uFEFF\s]*{_FILE_UNTAGGED[1:]}"))
    return begins | F.exists(lines, lambda line: F.rlike(line, sure)) | likely


def fields_of(line: Column) -> Column:
    """A message → array<string> of FIELDS, empty text for what it lacks; null if it is of no format."""
    read = [
        F.when(F.rlike(line, F.lit(pattern)), F.regexp_replace(line, pattern, SEPARATOR.join(groups)))
        for pattern, *groups in _FORMATS
    ]
    return F.split(F.coalesce(*read), SEPARATOR, len(FIELDS))


def messages_of(text: Column) -> Column:
    """The messages of a text as array<string>. A line that begins none, as of a stack trace, belongs to the last."""
    clean = F.regexp_replace(text, r"^[\uFEFF\s]++|[\s\x00]++$", "")
    has_pri = F.rlike(clean, F.lit(rf"(?m)^{_BEGINS_WITH_PRI}"))
    by_pri = F.split(clean, rf"[\r\n\x00]++(?={_BEGINS_WITH_PRI})")
    by_time = F.split(clean, rf"[\r\n\x00]++(?={_BEGINS_WITH_TIME})")
    return F.coalesce(frames_of(text), F.when(has_pri, by_pri).otherwise(by_time))
