/* What English words claim in a summary. */
#include "text_lexicon.h"

#include <stddef.h>

/* What a word for a stretch of time says of the two periods. */
#define PERIODS(word, unit)                                                                        \
    {"this " word "|"                                                                              \
     "the " word "|"                                                                               \
     "current " word "|"                                                                           \
     "the current " word,                                                                          \
     MSP_MARK_PERIOD, MSP_NOW | (unit)},                                                           \
        {"previous " word "|"                                                                      \
         "prior " word "|"                                                                         \
         "preceding " word "|"                                                                     \
         "last " word "|"                                                                          \
         "earlier " word "|"                                                                       \
         "the " word " before"                                                                     \
         "|"                                                                                       \
         "a " word " earlier"                                                                      \
         "|"                                                                                       \
         "one " word " earlier"                                                                    \
         "|"                                                                                       \
         "a " word " ago"                                                                          \
         "|" word " on " word "|" word " over " word,                                              \
         MSP_MARK_PERIOD, MSP_BEFORE | (unit)},                                                    \
        {"next " word "|"                                                                          \
         "following " word "|"                                                                     \
         "coming " word,                                                                           \
         MSP_MARK_BANNED, MSP_BAN_FUTURE},                                                         \
    {                                                                                              \
        "per " word "|"                                                                            \
        "each " word "|"                                                                           \
        "every " word,                                                                             \
            MSP_MARK_BANNED, MSP_BAN_RATE                                                          \
    }

static const struct msp_lexicon_entry entries[] = {
    {"created|creation*|opened|raised|logged|submitted|received|reported|registered|"
     "recorded|filed|arriv*|incoming|came in|come in|coming in|intake|inflow|volume*|"
     "demand|new tickets|new ticket|new requests|new request|new cases|new incidents|"
     "accounted for|accounting for|accounts for|represent*|made up|making up|makes up|"
     "generat*|entered|brought in",
     MSP_MARK_METRIC, MSP_M_CREATED | MSP_M_SHARE},
    {"of the total|of all tickets|of all requests|of total volume|of the volume", MSP_MARK_METRIC,
     MSP_M_SHARE},
    {"resolv*|resolution*|solved|solve|fixed|settled|handled", MSP_MARK_METRIC,
     MSP_M_RESOLVED | MSP_M_RESOLUTION},
    {"completed", MSP_MARK_METRIC, MSP_M_RESOLVED | MSP_M_CLOSED},
    {"resolution time*|time to resolution|time to resolve", MSP_MARK_METRIC, MSP_M_RESOLUTION},
    {"closed|closure*|closing*", MSP_MARK_METRIC, MSP_M_CLOSED | MSP_M_KILL_RATE},
    {"closure rate|kill rate|close rate", MSP_MARK_METRIC, MSP_M_KILL_RATE},
    {"reopen*|re opened|re open*", MSP_MARK_METRIC, MSP_M_REOPENED | MSP_M_REOPEN_RATE},
    {"reopen rate|reopening rate", MSP_MARK_METRIC, MSP_M_REOPEN_RATE},
    {"backlog*|outstanding|unresolved|open tickets|open ticket|open requests|open cases|"
     "still open|remained open|remain open|were open|was open|left open|stayed open|queue|"
     "awaiting resolution|not yet resolved|unfinished",
     MSP_MARK_METRIC, MSP_M_BACKLOG},
    {"sla|slas|service level*|service targets|deadline*|agreed time", MSP_MARK_METRIC, MSP_M_SLA},
    {"sla compliance|compliance", MSP_MARK_METRIC, MSP_M_SLA_COMPLIANCE},
    {"", MSP_MARK_METRIC, MSP_M_SLA_KNOWN | MSP_M_SLA_COMPLIANCE},
    {"on time|met|target*", MSP_MARK_METRIC, MSP_M_SLA_MET | MSP_M_SLA_COMPLIANCE},
    {"first response*|first reply|first replies|first answer*|initial response*|"
     "initial reply|response time*|reply time*|responded|answered",
     MSP_MARK_METRIC, MSP_M_FIRST},
    {"satisfaction|csat|rating|ratings|rated|satisfaction score*", MSP_MARK_METRIC, MSP_M_CSAT},
    {"survey*", MSP_MARK_METRIC, MSP_M_CSAT_COUNT},
    {"average*|mean|on average", MSP_MARK_STATISTIC, MSP_M_MEAN},
    {"median*|typical*|p50|50 th percentile", MSP_MARK_STATISTIC, MSP_M_P50},
    {"90 th percentile|ninetieth percentile|p90|nine out of ten|9 out of 10|nine in ten|"
     "9 in 10|nine tickets out of ten|nine tickets in ten",
     MSP_MARK_STATISTIC, MSP_M_P90},
    {"p95|95 th percentile", MSP_MARK_STATISTIC, MSP_M_RES_P95},
    {"monthly", MSP_MARK_PERIOD, MSP_NOW | MSP_A_MONTH},
    {"weekly", MSP_MARK_PERIOD, MSP_NOW | MSP_A_WEEK},
    {"quarterly", MSP_MARK_PERIOD, MSP_NOW | MSP_A_QUARTER},
    {"annual*|yearly", MSP_MARK_PERIOD, MSP_NOW | MSP_A_YEAR},
    {"reporting period|current|currently|now|this time|this one|the current one", MSP_MARK_PERIOD,
     MSP_NOW},
    {"previous|previously|prior|preceding|before|beforehand|earlier|last time|"
     "previous one|the previous one|the one before|the prior one|the preceding one|"
     "comparison period|reference period|the comparison period|the reference period",
     MSP_MARK_PERIOD, MSP_BEFORE},
    {"against|versus|vs|compared with|compared to|compared against|in comparison with|"
     "in comparison to|relative to|instead of|from",
     MSP_MARK_AGAINST, 0},
    {"than", MSP_MARK_THAN, 0},
    {"rose|rise*|rising|increas*|grew|grow|grown|growing|growth|grows|climb*|jump*|surg*|"
     "soar*|spik*|swell*|swelled|swollen|expand*|gain*|escalat*|rocket*|went up|going up|"
     "moved up|up|higher|more|greater|larger|bigger|above|exceed*|surpass*|outpac*|"
     "outnumber*|outstrip*|uptick|upturn|upward*|accelerat*|added|additional|extra|"
     "ahead of|mount*|advanc*|edged up|crept up|ticked up|picked up|rebound*|boost*|raise|"
     "lifted|lift|heavier|busier|balloon*|skyrocket*|leap*|leapt|hike*|widen*|bounce*|"
     "crept|creep*|balloon|mushroom*|intensif*|strong growth|inflat*|upswing|elevated",
     MSP_MARK_DIRECTION, MSP_UP},
    {"fell|fall|falls|fallen|falling|decreas*|drop*|declin*|diminish*|dwindl*|shrank|"
     "shrink*|shrunk|slip*|dip|dips|dipped|dipping|slid|slide|plummet*|plung*|tumbl*|sank|"
     "sunk|eased|easing|reduc*|lower*|fewer|less|smaller|below|down|cut|contract*|lessen*|"
     "downturn|downward*|lost|loss|lag*|trail*|edged down|ticked down|went down|lighter|"
     "calmer|quieter|behind|retreat*|trimmed|subsid*|receded|crater*|nosediv*|slump*|"
     "collaps*|ebb*|taper*|curb*|narrow*|soften*|fewer and fewer|downswing|shed|shav*|"
     "erod*|crash*|depress*|thinn*|deflat*|undershot|waned|waning|cooled|cooling",
     MSP_MARK_DIRECTION, MSP_DOWN},
    {"weaken*|worse*|deteriorat*|degrad*|weaker|poorer|setback|regress*", MSP_MARK_DIRECTION,
     MSP_WORSE},
    {"improv*|better|progress*|strengthen*|recover*|healthier|enhanc*|stronger|tighter",
     MSP_MARK_DIRECTION, MSP_BETTER},
    {"faster|quicker|sooner|shorter|shorten*|sped up|speed* up|hasten*|swifter|speedier|"
     "prompter",
     MSP_MARK_DIRECTION, MSP_FASTER},
    {"slower|slowed|slowing|slow down|slowed down|longer|lengthen*|later|prolong*|stretch*",
     MSP_MARK_DIRECTION, MSP_SLOWER},
    {"unchanged|identical|same|equal*|no change|did not change|has not changed|"
     "not changed|as many|level with|matched|matching",
     MSP_MARK_DIRECTION, MSP_SAME},
    {"stable|steady|flat|steadi*|constant|stabili*|plateau*|virtually unchanged|"
     "almost unchanged|nearly unchanged|practically unchanged|largely unchanged|"
     "broadly unchanged|essentially unchanged|little changed|about the same|held|similar|"
     "comparable|in line with|stagnat*|hover*|remained level|consistent",
     MSP_MARK_DIRECTION, MSP_STEADY},
    {"slight*|marginal*|modest*|a little|somewhat|small", MSP_MARK_DEGREE, MSP_SLIGHTLY},
    {"sharp*|significant*|considerabl*|substantial*|strongly|marked*|dramatic*|steep*|"
     "massive*|much|far|drastic*",
     MSP_MARK_DEGREE, MSP_SHARPLY},
    {"change*|difference*|variation*|gap|swing|shift*", MSP_MARK_VARIATION, 0},
    {"doubl*|twice|twofold|twice as many|twice as much", MSP_MARK_MULTIPLE, 200},
    {"tripl*|threefold|three times", MSP_MARK_MULTIPLE, 300},
    {"quadrupl*|four times", MSP_MARK_MULTIPLE, 400},
    {"halv*|half as many|half as much", MSP_MARK_MULTIPLE, 50},
    {"largest|biggest|busiest|highest|the most|main|leading|most frequent|most common|top|"
     "led",
     MSP_MARK_HIGHEST, 0},
    {"most|majority|most of", MSP_MARK_MAJORITY, 0},
    {"all|every|entire*|without exception|always", MSP_MARK_ALL, 0},
    {"no|none|not a single|nothing", MSP_MARK_NONE, 0},
    {"in total|total|overall|altogether|in all|across all", MSP_MARK_TOTAL, 0},
    {"all tickets", MSP_MARK_TOTAL, 1},
    {"critical priority|critical tickets|critical|priority critical", MSP_MARK_PRIORITY, 0},
    {"high priority|priority high", MSP_MARK_PRIORITY, 1},
    {"medium priority|priority medium", MSP_MARK_PRIORITY, 2},
    {"low priority|priority low", MSP_MARK_PRIORITY, 3},
    {"no priority", MSP_MARK_PRIORITY, 4},
    {"without a priority|without priority", MSP_MARK_UNNAMED, 0},
    {"without a category|without category|uncategori*|no category", MSP_MARK_UNNAMED, 1},
    {"without a group|without group|no group", MSP_MARK_UNNAMED, 2},
    {"ticket|tickets|request|requests|case|cases|incident|incidents|issue|issues", MSP_MARK_TICKETS,
     0},
    {"of the|of|out of|of the total", MSP_MARK_OF, 0},
    {"no data|no figure*|not available|unavailable|not known|unknown|cannot be measured|"
     "could not be measured|no measure*|data is missing|not measured|cannot be calculated|"
     "could not be calculated|no value|no information|data are missing|no comparison",
     MSP_MARK_NO_DATA, 0},
    {"complete|final|up to date", MSP_MARK_COMPLETE, 0},
    {"incomplete|not complete|not yet complete|not complete yet|not final|not yet final|"
     "provisional|preliminary|partial*|still missing|may still change|will still change|"
     "can still change|could still change|missing days|days missing",
     MSP_MARK_INCOMPLETE, 0},
    {"not|t|never|without|neither|nor|hardly|instead|rather than", MSP_MARK_NOT, 0},
    {"best|worst|record|record high|record low|lowest|smallest|fewest|least|fastest|"
     "slowest|quickest|longest|shortest|strongest|weakest|unprecedented|peak*|ever|"
     "maximum|minimum|all time|historic*|greatest|latest|unmatched|perfect*|flawless*",
     MSP_MARK_BANNED, MSP_BAN_SUPERLATIVE},
    {"several|many|few|numerous|a lot|lots|handful|couple|bulk|countless|dozens|hundreds|"
     "thousands|scores of|minority|multiple",
     MSP_MARK_BANNED, MSP_BAN_VAGUE},
    {"daily|hourly|a day|a week|a month|per hour|per ticket|per user|per technician",
     MSP_MARK_BANNED, MSP_BAN_RATE},
    {"will|forecast*|expected|projected|predicted|tomorrow|yesterday|today|tonight|soon",
     MSP_MARK_BANNED, MSP_BAN_FUTURE},
    {"users|user|customers|clients|devices|computers|laptops|servers|calls|emails|"
     "technician|technicians|engineers|agents|people|dollars|euros|business hours|"
     "working hours|business days|working days|staff",
     MSP_MARK_BANNED, MSP_BAN_UNIT},
    {"second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|consecutive|in a row|"
     "first time|first half|second half",
     MSP_MARK_BANNED, MSP_BAN_ORDINAL},
    {"weekend*", MSP_MARK_BANNED, MSP_BAN_WEEKDAY},
    {"follow up|set up|back up|make up for|up to|no one|one of|ones|the same time|"
     "at the same time|more information|furthermore|moreover|no longer|all in all|"
     "above all|first of all|as well as|case of|in the case of|in case|each|in terms of|"
     "number of|the number of|time of|end of|at the end of|close of|at the close of|"
     "course of|over the course of|level of|a total of|beginning of|start of|state of|"
     "as of|terms of|apart from|aside from|tickets from|no doubt|no fewer than|"
     "broken down|break down|not only|of course|record keeping|not surprisingly|"
     "came in at|come in at|recorded at|reported at|logged at|closed the period|"
     "closed the month|closed the week|closed at|ended at|before a|before the first|"
     "before resolution|that one|one another|each one|every one|find below|see below|"
     "shown below|listed below|summary below|figures below|below is|below are|"
     "find the summary below|fell into|up to speed|in addition",
     MSP_MARK_NOTHING, 0},
    {"share|proportion|rate|percentage", MSP_MARK_METRIC,
     MSP_M_SHARE | MSP_M_SLA_COMPLIANCE | MSP_M_REOPEN_RATE | MSP_M_KILL_RATE},
    {"sla verdict*|verdict*|with an sla|had an sla|subject to an sla|covered by an sla|"
     "measured against",
     MSP_MARK_METRIC, MSP_M_SLA_KNOWN | MSP_M_SLA_MET | MSP_M_SLA_COMPLIANCE},
    {"miss*|breach*|violat*|fail*|outside|late|overdue|out of sla|beyond|unmet|dissatisf*|"
     "unhappy",
     MSP_MARK_BANNED, MSP_BAN_OPPOSITE},
    {"more than doubl*|more than twice", MSP_MARK_MULTIPLE, 200 | MSP_MULTIPLE_OVER},
    {"more than tripl*", MSP_MARK_MULTIPLE, 300 | MSP_MULTIPLE_OVER},
    {"more than quadrupl*", MSP_MARK_MULTIPLE, 400 | MSP_MULTIPLE_OVER},
    {"nearly doubl*|almost doubl*|nearly twice|almost twice", MSP_MARK_MULTIPLE,
     200 | MSP_MULTIPLE_UNDER},
    {"nearly tripl*|almost tripl*", MSP_MARK_MULTIPLE, 300 | MSP_MULTIPLE_UNDER},
    {"nearly halv*|almost halv*", MSP_MARK_MULTIPLE, 50 | MSP_MULTIPLE_OVER},
    {"more than halv*", MSP_MARK_MULTIPLE, 50 | MSP_MULTIPLE_UNDER},
    PERIODS("period", 0),
    PERIODS("day", MSP_A_DAY),
    PERIODS("week", MSP_A_WEEK),
    PERIODS("month", MSP_A_MONTH),
    PERIODS("quarter", MSP_A_QUARTER),
    PERIODS("year", MSP_A_YEAR),
    {NULL, MSP_MARK_NOTHING, 0},
};

static const struct msp_number_word numbers[] = {
    {"zero", 0},        {"one", 1},           {"single", 1},   {"two", 2},        {"three", 3},
    {"four", 4},        {"five", 5},          {"six", 6},      {"seven", 7},      {"eight", 8},
    {"nine", 9},        {"ten", 10},          {"eleven", 11},  {"twelve", 12},    {"thirteen", 13},
    {"fourteen", 14},   {"fifteen", 15},      {"sixteen", 16}, {"seventeen", 17}, {"eighteen", 18},
    {"nineteen", 19},   {"twenty", 20},       {"thirty", 30},  {"forty", 40},     {"fifty", 50},
    {"sixty", 60},      {"seventy", 70},      {"eighty", 80},  {"ninety", 90},    {"hundred", 100},
    {"thousand", 1000}, {"million", 1000000}, {"dozen", 12},   {NULL, 0}};

static const struct msp_hedge_word hedges[] = {{"about", MSP_ABOUT},
                                               {"around", MSP_ABOUT},
                                               {"approximately", MSP_ABOUT},
                                               {"roughly", MSP_ABOUT},
                                               {"some", MSP_ABOUT},
                                               {"approx", MSP_ABOUT},
                                               {"circa", MSP_ABOUT},
                                               {"close to", MSP_ABOUT},
                                               {"just about", MSP_ABOUT},
                                               {"more than", MSP_OVER},
                                               {"over", MSP_OVER},
                                               {"just over", MSP_OVER},
                                               {"slightly over", MSP_OVER},
                                               {"slightly more than", MSP_OVER},
                                               {"a little over", MSP_OVER},
                                               {"well over", MSP_OVER},
                                               {"above", MSP_OVER},
                                               {"just above", MSP_OVER},
                                               {"in excess of", MSP_OVER},
                                               {"upwards of", MSP_OVER},
                                               {"less than", MSP_UNDER},
                                               {"fewer than", MSP_UNDER},
                                               {"under", MSP_UNDER},
                                               {"just under", MSP_UNDER},
                                               {"slightly under", MSP_UNDER},
                                               {"slightly less than", MSP_UNDER},
                                               {"nearly", MSP_UNDER},
                                               {"almost", MSP_UNDER},
                                               {"below", MSP_UNDER},
                                               {"just below", MSP_UNDER},
                                               {"well under", MSP_UNDER},
                                               {"within", MSP_AT_MOST},
                                               {"at least", MSP_AT_LEAST},
                                               {"at most", MSP_AT_MOST},
                                               {"no more than", MSP_AT_MOST},
                                               {"no fewer than", MSP_AT_LEAST},
                                               {"no less than", MSP_AT_LEAST},
                                               {NULL, MSP_EXACTLY}};

static const struct msp_fraction_word fractions[] = {{"half", 1, 2},
                                                     {"a half", 1, 2},
                                                     {"one half", 1, 2},
                                                     {"a third", 1, 3},
                                                     {"one third", 1, 3},
                                                     {"two thirds", 2, 3},
                                                     {"a quarter", 1, 4},
                                                     {"one quarter", 1, 4},
                                                     {"three quarters", 3, 4},
                                                     {"a fifth", 1, 5},
                                                     {"one fifth", 1, 5},
                                                     {"two fifths", 2, 5},
                                                     {"three fifths", 3, 5},
                                                     {"four fifths", 4, 5},
                                                     {"a tenth", 1, 10},
                                                     {"one tenth", 1, 10},
                                                     {"nine tenths", 9, 10},
                                                     {"one in two", 1, 2},
                                                     {"one in three", 1, 3},
                                                     {"one in four", 1, 4},
                                                     {"one in five", 1, 5},
                                                     {"one in ten", 1, 10},
                                                     {"two in three", 2, 3},
                                                     {"three in four", 3, 4},
                                                     {"four in five", 4, 5},
                                                     {"one out of two", 1, 2},
                                                     {"one out of three", 1, 3},
                                                     {"one out of four", 1, 4},
                                                     {"one out of five", 1, 5},
                                                     {"one out of ten", 1, 10},
                                                     {"two out of three", 2, 3},
                                                     {"three out of four", 3, 4},
                                                     {"four out of five", 4, 5},
                                                     {"an eighth", 1, 8},
                                                     {"a sixth", 1, 6},
                                                     {NULL, 0, 0}};

static const struct msp_unit_word units[] = {{"percentage points", MSP_UNIT_PERCENT_POINTS, 0},
                                             {"percentage point", MSP_UNIT_PERCENT_POINTS, 0},
                                             {"percent points", MSP_UNIT_PERCENT_POINTS, 0},
                                             {"pp", MSP_UNIT_PERCENT_POINTS, 0},
                                             {"% points", MSP_UNIT_PERCENT_POINTS, 0},
                                             {"%", MSP_UNIT_PERCENT, 0},
                                             {"percent", MSP_UNIT_PERCENT, 0},
                                             {"per cent", MSP_UNIT_PERCENT, 0},
                                             {"pct", MSP_UNIT_PERCENT, 0},
                                             {"points", MSP_UNIT_POINTS, 0},
                                             {"point", MSP_UNIT_POINTS, 0},
                                             {"pts", MSP_UNIT_POINTS, 0},
                                             {"out of 5", MSP_UNIT_SCORE, 0},
                                             {"out of five", MSP_UNIT_SCORE, 0},
                                             {"/ 5", MSP_UNIT_SCORE, 0},
                                             {"out of a possible five", MSP_UNIT_SCORE, 0},
                                             {"seconds", MSP_UNIT_DURATION, 1},
                                             {"second", MSP_UNIT_DURATION, 1},
                                             {"secs", MSP_UNIT_DURATION, 1},
                                             {"sec", MSP_UNIT_DURATION, 1},
                                             {"s", MSP_UNIT_DURATION, 1},
                                             {"minutes", MSP_UNIT_DURATION, 60},
                                             {"minute", MSP_UNIT_DURATION, 60},
                                             {"mins", MSP_UNIT_DURATION, 60},
                                             {"min", MSP_UNIT_DURATION, 60},
                                             {"m", MSP_UNIT_DURATION, 60},
                                             {"hours", MSP_UNIT_DURATION, 3600},
                                             {"hour", MSP_UNIT_DURATION, 3600},
                                             {"hrs", MSP_UNIT_DURATION, 3600},
                                             {"hr", MSP_UNIT_DURATION, 3600},
                                             {"h", MSP_UNIT_DURATION, 3600},
                                             {"days", MSP_UNIT_DURATION, 86400},
                                             {"day", MSP_UNIT_DURATION, 86400},
                                             {"d", MSP_UNIT_DURATION, 86400},
                                             {"weeks", MSP_UNIT_DURATION, 604800},
                                             {"week", MSP_UNIT_DURATION, 604800},
                                             {NULL, MSP_UNIT_NONE, 0}};

static const char *const months[] = {
    "january",   "february", "march",    "april",    "may", "june", "july", "august",
    "september", "october",  "november", "december", "jan", "feb",  "mar",  "apr",
    "may",       "jun",      "jul",      "aug",      "sep", "oct",  "nov",  "dec"};
static const char *const weekdays[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
static const char *const date_from[] = {"from", "between", "since", "starting", "beginning", NULL};
static const char *const date_to[] = {"to", "through", "until", "till", "and", "-", "ending", NULL};
static const char *const articles[] = {"a", "an", NULL};
static const char *const level_words[] = {"to",    "at",       "reached", "reaching",
                                          "stood", "totalled", NULL};
static const char *const by_words[] = {"by", NULL};
static const char *const fillers[] = {"'",     "s",     "(",   "of",   "figure", "value",
                                      "level", "total", "the", "at",   "was",    "it",
                                      "there", "were",  "had", "when", "with",   NULL};
static const char *const abbreviations[] = {"approx", "vs", "e",    "g",  "i",   "no", "inc",
                                            "ltd",    "co", "corp", "mr", "mrs", "dr", NULL};
static const char *const and_words[] = {"and", NULL};

const struct msp_lexicon msp_lexicon_english = {
    .entries = entries,
    .numbers = numbers,
    .hedges = hedges,
    .fractions = fractions,
    .units = units,
    .months = months,
    .weekdays = weekdays,
    .date_from = date_from,
    .date_to = date_to,
    .articles = articles,
    .level_words = level_words,
    .by_words = by_words,
    .fillers = fillers,
    .abbreviations = abbreviations,
    .and_words = and_words,
    .half_behind = "half",
    .decimal = '.',
};
