/* What French words claim in a summary. */
#include "text_lexicon.h"

#include <stddef.h>

/* What a word for a stretch of time says of the two periods. */
#define PERIODS(le, word, unit)                                                                    \
    {"ce " word "|"                                                                                \
     "cette " word "|"                                                                             \
     "cet " word "|" le word "|"                                                                   \
     "du " word "|"                                                                                \
     "au " word "|" word " en cours"                                                               \
     "|" le word " en cours"                                                                       \
     "|" word " actuel*",                                                                          \
     MSP_MARK_PERIOD, MSP_NOW | (unit)},                                                           \
        {word " précédent*"                                                                      \
              "|" le word " précédent*"                                                          \
              "|"                                                                                  \
              "du " word " précédent*"                                                           \
              "|"                                                                                  \
              "au " word " précédent*"                                                           \
              "|" word " dernier"                                                                  \
              "|" word " dernière"                                                                \
              "|" le word " dernier"                                                               \
              "|" le word " dernière"                                                             \
              "|" word " antérieur*"                                                              \
              "|" le word " antérieur*"                                                           \
              "|" word " passé*"                                                                  \
              "|" le word " d avant"                                                               \
              "|" word " d avant"                                                                  \
              "|"                                                                                  \
              "un " word " plus tôt"                                                              \
              "|"                                                                                  \
              "une " word " plus tôt"                                                             \
              "|"                                                                                  \
              "un " word " auparavant"                                                             \
              "|"                                                                                  \
              "une " word " auparavant"                                                            \
              "|"                                                                                  \
              "d un " word " à l autre"                                                           \
              "|"                                                                                  \
              "d une " word " à l autre",                                                          \
         MSP_MARK_PERIOD, MSP_BEFORE | (unit)},                                                    \
        {word " prochain*"                                                                         \
              "|"                                                                                  \
              "prochain " word "|"                                                                 \
              "prochaine " word "|" word " suivant*",                                              \
         MSP_MARK_BANNED, MSP_BAN_FUTURE},                                                         \
    {                                                                                              \
        "par " word "|"                                                                            \
        "chaque " word,                                                                            \
            MSP_MARK_BANNED, MSP_BAN_RATE                                                          \
    }

static const struct msp_lexicon_entry entries[] = {
    {"créé|créés|créée|créées|création*|ouvert|ouverts|ouverte|ouvertes|ouverture*|reçu*|"
     "enregistré*|déposé*|soumis*|signalé*|arrivé*|entrant*|remonté*|émis*|saisi*|volume*|"
     "nouveaux tickets|nouveau ticket|nouvelles demandes|nouvelle demande|"
     "nouveaux incidents|nouveaux dossiers|activité|représent*|génér*|concentr*",
     MSP_MARK_METRIC, MSP_M_CREATED | MSP_M_SHARE},
    {"du total|de l ensemble|de tous les tickets|du volume|du volume total", MSP_MARK_METRIC,
     MSP_M_SHARE},
    {"résolu|résolus|résolue|résolues|résolution*|résoudre|résolvent|réglé*|traité*|"
     "traitement*|solutionné*",
     MSP_MARK_METRIC, MSP_M_RESOLVED | MSP_M_RESOLUTION},
    {"temps de résolution|délai de résolution|délais de résolution|durée de résolution|"
     "temps de traitement|délai de traitement",
     MSP_MARK_METRIC, MSP_M_RESOLUTION},
    {"clos|close|closes|clôtur*|fermé*|fermeture*", MSP_MARK_METRIC,
     MSP_M_CLOSED | MSP_M_KILL_RATE},
    {"taux de clôture|taux de fermeture", MSP_MARK_METRIC, MSP_M_KILL_RATE},
    {"rouvert*|réouvert*|ré ouvert*|réouverture*", MSP_MARK_METRIC,
     MSP_M_REOPENED | MSP_M_REOPEN_RATE},
    {"taux de réouverture", MSP_MARK_METRIC, MSP_M_REOPEN_RATE},
    {"stock*|stock de tickets ouverts|stock des tickets ouverts|backlog|en attente|"
     "non résolus|non résolu|en suspens|encore ouverts|encore ouvert|"
     "encore ouvertes|toujours ouverts|toujours ouvertes|restaient ouverts|"
     "restaient ouvertes|restent ouverts|restaient à traiter|restent à traiter|"
     "reste à traiter|étaient ouverts|demeuraient ouverts|en souffrance|non clos|"
     "file d attente|encours|non résolues|stock de tickets ouverts|"
     "stock de demandes ouvertes|backlog de tickets ouverts|stock d incidents ouverts",
     MSP_MARK_METRIC, MSP_M_BACKLOG},
    {"sla|slas|engagement*|niveau de service|niveaux de service|échéance*", MSP_MARK_METRIC,
     MSP_M_SLA},
    {"respect", MSP_MARK_METRIC, MSP_M_SLA_COMPLIANCE | MSP_M_SLA_MET},
    {"taux de respect|conformité|taux de conformité", MSP_MARK_METRIC, MSP_M_SLA_COMPLIANCE},
    {"dans les délais|dans les temps|respecté*|tenu*", MSP_MARK_METRIC,
     MSP_M_SLA_MET | MSP_M_SLA_COMPLIANCE},
    {"première réponse|premières réponses|premier retour|temps de réponse|"
     "délai de réponse|délais de réponse|réponse initiale|prise en charge|réactivité|"
     "avant une première réponse|avant la première réponse|avant première réponse",
     MSP_MARK_METRIC, MSP_M_FIRST},
    {"satisfaction|csat|notes|évaluation*|enquête*", MSP_MARK_METRIC, MSP_M_CSAT},
    {"note", MSP_MARK_METRIC, MSP_M_CSAT_MEAN},
    {"avis", MSP_MARK_METRIC, MSP_M_CSAT_COUNT},
    {"moyenne|moyennes|moyen|moyens|en moyenne", MSP_MARK_STATISTIC, MSP_M_MEAN},
    {"médian*|p50|typique*", MSP_MARK_STATISTIC, MSP_M_P50},
    {"90 e centile|90 e percentile|90 ème centile|90 ème percentile|9 e décile|"
     "neuvième décile|p90|neuf fois sur dix|neuf tickets sur dix|9 tickets sur 10|"
     "neuf demandes sur dix|quatre vingt dixième centile",
     MSP_MARK_STATISTIC, MSP_M_P90},
    {"p95|95 e centile|95 e percentile|95 ème centile", MSP_MARK_STATISTIC, MSP_M_RES_P95},
    {"mensuel*", MSP_MARK_PERIOD, MSP_NOW | MSP_A_MONTH},
    {"hebdomadaire*", MSP_MARK_PERIOD, MSP_NOW | MSP_A_WEEK},
    {"trimestriel*", MSP_MARK_PERIOD, MSP_NOW | MSP_A_QUARTER},
    {"annuel*", MSP_MARK_PERIOD, MSP_NOW | MSP_A_YEAR},
    {"actuellement|désormais|maintenant|cette fois|aujourd hui|celle ci|celui ci", MSP_MARK_PERIOD,
     MSP_NOW},
    {"précédent|précédente|précédemment|auparavant|avant|plus tôt|antérieur*|"
     "la fois précédente|la précédente|le précédent|période de comparaison|"
     "période de référence|la période de comparaison|la période de référence",
     MSP_MARK_PERIOD, MSP_BEFORE},
    {"contre|par rapport à|par rapport au|par rapport aux|comparé* à|comparé* au|"
     "comparé* aux|en comparaison de|au lieu de|face à|après|vs|versus|à comparer à|"
     "à comparer aux|depuis|passant de|passe de|passé de|passée de|passés de|passées de|"
     "passent de|passer de|passait de|passant d|passe d|passé d",
     MSP_MARK_AGAINST, 0},
    {"que|qu", MSP_MARK_THAN, 0},
    {"augment*|hausse*|en hausse|progressé*|progress*|progression|monté*|montent|montée|"
     "grimp*|bond|bondi*|accroiss*|accru*|accroît|croissance|croître|crû|croissant*|"
     "s est accru*|envol*|explos*|flambé*|gonfl*|gagn*|gain*|supérieur*|au dessus*|"
     "dépass*|excéd*|de plus|davantage|plus de tickets|plus de demandes|plus d incidents|"
     "supplémentaire*|en plus|alourdi*|élargi*|rebond*|hauss*|multipli*|accentu*|amplifi*|"
     "remont*|regain|surplus|intensifi*|plus élevé*|plus haut*|plus nombreu*|"
     "plus important*|plus fort*|plus grand*|moins faible*|moins bas|moins basse*|"
     "moins petit*|plus lourd*|plus soutenu*|plus dense*|relèvement|monte|s envol*|dop*|"
     "renchéri*|élargiss*|s élarg*|grossi*|s accumul*|accumul*|haussier*|surpass*|"
     "surcroît|majoration|majoré*",
     MSP_MARK_DIRECTION, MSP_UP},
    {"baiss*|en baisse|diminu*|recul*|chut*|repli*|décrû|décroiss*|décru*|fléchi*|tomb*|"
     "descend*|descente|rédui*|réduction*|allégé*|dégonfl*|perdu*|perd|perte*|effondr*|"
     "plong*|inférieur*|au dessous*|en dessous*|en deçà|de moins|moins de tickets|"
     "moins de demandes|moins d incidents|en moins|amoindri*|rétréci*|tassé*|tassement|"
     "creus*|réduit*|résorb*|cédé*|moins élevé*|moins haut*|moins nombreu*|"
     "moins important*|moins fort*|moins grand*|plus faible*|plus bas|plus basse*|"
     "plus petit*|moins lourd*|moins soutenu*|moins dense*|déviss*|effrit*|fondu*|"
     "contract*|érod*|érosion|frein*|amenuis*|tari*|désempli*|atténu*|s amenuis*|"
     "rétrograd*|affaibl*|restreint*|désengorg*|allèg*|amoindr*|écroul*|décliné*|déclin*|"
     "minoré*",
     MSP_MARK_DIRECTION, MSP_DOWN},
    {"ralentissement|dégrad*|détérior*|empir*|pire que|aggrav*|régress*|moins bon*|"
     "moins bien|plus mauvais*|moins satisfaisant*",
     MSP_MARK_DIRECTION, MSP_WORSE},
    {"amélior*|mieux|meilleur que|meilleure que|redress*|embelli*|renforc*|consolid*|"
     "optimis*|plus satisfaisant*",
     MSP_MARK_DIRECTION, MSP_BETTER},
    {"accélér*|raccourci*|écourt*|plus rapide*|plus vite|plus court*|plus bref*|"
     "moins long*|moins lent*",
     MSP_MARK_DIRECTION, MSP_FASTER},
    {"ralenti*|allong*|rallong*|s est allongé*|moins rapide*|moins vite|moins court*|"
     "moins bref*|plus long*|plus lent*",
     MSP_MARK_DIRECTION, MSP_SLOWER},
    {"inchangé*|identique*|même*|égal|égale|égaux|autant|aucun changement|n a pas changé|"
     "n ont pas changé|n a pas bougé|n a pas évolué|n ont pas évolué|n a pas varié|"
     "sans changement|sans évolution|comme sur",
     MSP_MARK_DIRECTION, MSP_SAME},
    {"stable*|stabil*|constant*|stagn*|quasi stable|quasi inchangé*|"
     "pratiquement inchangé*|presque inchangé*|quasiment inchangé*|similaire*|comparable*|"
     "équivalent*|se maintien*|maintenu*|plafonn*|se stabilise*",
     MSP_MARK_DIRECTION, MSP_STEADY},
    {"légère*|léger|légers|un peu|faiblement|modeste*", MSP_MARK_DEGREE, MSP_SLIGHTLY},
    {"nettement|net|nette|fortement|forte|sensiblement|sensible|considérabl*|significati*|"
     "beaucoup|spectaculaire*|drastique*|marqué*|bien plus",
     MSP_MARK_DEGREE, MSP_SHARPLY},
    {"écart*|variation*|évolution*|différence*|changement*", MSP_MARK_VARIATION, 0},
    {"doubl*|deux fois plus|multiplié* par deux", MSP_MARK_MULTIPLE, 200},
    {"tripl*|trois fois plus|multiplié* par trois", MSP_MARK_MULTIPLE, 300},
    {"quadrupl*|quatre fois plus", MSP_MARK_MULTIPLE, 400},
    {"divisé* par deux|deux fois moins|réduit* de moitié|baissé* de moitié|"
     "diminué* de moitié",
     MSP_MARK_MULTIPLE, 50},
    {"le plus|la plus|les plus|principal*|principaux|le plus grand|la plus grande|"
     "la plus importante|la plus fournie|la plus représentée|en tête|arrive en tête|domin*",
     MSP_MARK_HIGHEST, 0},
    {"la plupart|majorité|majoritaire*", MSP_MARK_MAJORITY, 0},
    {"tous|toutes|tout|toute|totalité|intégralité|sans exception|systématiquement", MSP_MARK_ALL,
     0},
    {"aucun|aucune|nul|pas un seul|pas une seule|rien", MSP_MARK_NONE, 0},
    {"au total|total|totaux|en tout|globalement|global|globale|sur l ensemble|"
     "l ensemble des tickets",
     MSP_MARK_TOTAL, 0},
    {"tous les tickets|toutes les demandes", MSP_MARK_TOTAL, 1},
    {"priorité* critique*|tickets critiques|critique*", MSP_MARK_PRIORITY, 0},
    {"priorité* haute*|haute priorité|priorité* élevée*|prioritaires", MSP_MARK_PRIORITY, 1},
    {"priorité* moyenne*|moyenne priorité", MSP_MARK_PRIORITY, 2},
    {"priorité* basse*|basse priorité|priorité* faible*|faible priorité", MSP_MARK_PRIORITY, 3},
    {"priorité* nulle*", MSP_MARK_PRIORITY, 4},
    {"sans priorité", MSP_MARK_UNNAMED, 0},
    {"sans catégorie|non catégorisé*", MSP_MARK_UNNAMED, 1},
    {"sans groupe", MSP_MARK_UNNAMED, 2},
    {"ticket|tickets|demande|demandes|dossier|dossiers|incident|incidents|requête|"
     "requêtes|sollicitation*|cas|intervention*|des tickets|des demandes|des incidents",
     MSP_MARK_TICKETS, 0},
    {"sur|des|sur les|parmi les|sur un total de", MSP_MARK_OF, 0},
    {"aucune donnée|pas de donnée*|indisponible*|non disponible*|inconnu*|aucun chiffre|"
     "pas disponible*|n est pas connu*|aucune valeur|aucune mesure|pas mesur*|"
     "pas été mesuré*|ne peut être calculé*|pas être calculé*|pas pu être calculé*|"
     "pas être mesuré*|pas pu être mesuré*|aucune information|données manquent|"
     "aucune comparaison",
     MSP_MARK_NO_DATA, 0},
    {"complet|complets|complète|complètes|définiti*|à jour", MSP_MARK_COMPLETE, 0},
    {"incompl*|pas complet|pas complets|pas complète|pas complètes|pas encore complet*|"
     "pas encore complète*|pas définiti*|pas encore définiti*|provisoire*|partiel*|"
     "manquent encore|peuvent encore évoluer|peuvent encore changer|manquant*|manquent|"
     "manque",
     MSP_MARK_INCOMPLETE, 0},
    {"pas|jamais|ni|sans|non|n|ne|guère|plutôt que", MSP_MARK_NOT, 0},
    {"meilleur|meilleure|meilleurs|meilleures|pire|pires|le mieux|record*|historique*|"
     "maximum|minimum|maximal*|minimal*|pic|sommet|sans précédent|inégalé*|inédit*|"
     "le moins|la moins|les moins|plus bas niveau|plus haut niveau|parfait*|exceptionnel*",
     MSP_MARK_BANNED, MSP_BAN_SUPERLATIVE},
    {"plusieurs|quelques|nombreux|nombreuses|peu de|poignée|beaucoup de|dizaines|"
     "centaines|milliers|minorité|l essentiel|multiples",
     MSP_MARK_BANNED, MSP_BAN_VAGUE},
    {"quotidien*|par heure|par ticket|par utilisateur|par technicien", MSP_MARK_BANNED,
     MSP_BAN_RATE},
    {"demain|hier|bientôt|prévu*|prévision*|devrait|devraient|sera|seront|va|vont", MSP_MARK_BANNED,
     MSP_BAN_FUTURE},
    {"utilisateurs|clients|appels|appareils|ordinateurs|postes|serveurs|techniciens|"
     "technicien|personnes|agents|euros|courriels|ouvrés|ouvrées|ouvrables",
     MSP_MARK_BANNED, MSP_BAN_UNIT},
    {"deuxième*|second|seconde|troisième*|quatrième*|cinquième*|sixième*|dixième*|"
     "consécuti*|d affilée|première fois|première moitié",
     MSP_MARK_BANNED, MSP_BAN_ORDINAL},
    {"week", MSP_MARK_BANNED, MSP_BAN_WEEKDAY},
    {"plus|moins|comparativement", MSP_MARK_BANNED, MSP_BAN_COMPARISON},
    {"de plus en plus|non plus|ne plus|quant|ainsi que|tandis que|alors que|bien que|"
     "lorsque|parce que|pendant que|puisque|de même|en même temps|même si|tout comme|"
     "tout en|tout au long|avant tout|à part|d une part|d autre part|de la part|"
     "par ailleurs|en cas de|sur la|sur le|sur cette|sur ce|porte sur|l un des|l une des|"
     "un des|une des|non seulement|niveau record|dans tous les cas|en ce qui concerne|"
     "ne que|tout de même|sur un|se monte à|se montent à|se montait à|avant résolution|"
     "avant la résolution|avant la fin|va du|va de|vont du|allait du|va d|allant du",
     MSP_MARK_NOTHING, 0},
    {"part|proportion|taux|pourcentage", MSP_MARK_METRIC,
     MSP_M_SHARE | MSP_M_SLA_COMPLIANCE | MSP_M_REOPEN_RATE | MSP_M_KILL_RATE},
    {"verdict*|sous sla|soumis* à un sla|soumis* au sla|avec un sla|couvert* par un sla",
     MSP_MARK_METRIC, MSP_M_SLA_KNOWN | MSP_M_SLA_MET | MSP_M_SLA_COMPLIANCE},
    {"manqué*|hors délai*|hors sla|en retard|non respect*|violation*|raté*|"
     "hors des délais|dépassement*|insatisf*|mécontent*",
     MSP_MARK_BANNED, MSP_BAN_OPPOSITE},
    {"plus que doubl*|plus du double", MSP_MARK_MULTIPLE, 200 | MSP_MULTIPLE_OVER},
    {"plus que tripl*", MSP_MARK_MULTIPLE, 300 | MSP_MULTIPLE_OVER},
    {"presque doubl*|quasiment doubl*|près du double|pratiquement doubl*", MSP_MARK_MULTIPLE,
     200 | MSP_MULTIPLE_UNDER},
    {"presque divisé* par deux", MSP_MARK_MULTIPLE, 50 | MSP_MULTIPLE_OVER},
    {"plus que divisé* par deux|plus de moitié moins", MSP_MARK_MULTIPLE, 50 | MSP_MULTIPLE_UNDER},
    PERIODS("la ", "période", 0),
    PERIODS("le ", "jour", MSP_A_DAY),
    PERIODS("la ", "journée", MSP_A_DAY),
    PERIODS("la ", "semaine", MSP_A_WEEK),
    PERIODS("le ", "mois", MSP_A_MONTH),
    PERIODS("le ", "trimestre", MSP_A_QUARTER),
    PERIODS("l ", "année", MSP_A_YEAR),
    PERIODS("l ", "an", MSP_A_YEAR),
    PERIODS("l ", "exercice", MSP_A_YEAR),
    {NULL, MSP_MARK_NOTHING, 0},
};

static const struct msp_number_word numbers[] = {{"zéro", 0},
                                                 {"un", 1},
                                                 {"une", 1},
                                                 {"deux", 2},
                                                 {"trois", 3},
                                                 {"quatre", 4},
                                                 {"cinq", 5},
                                                 {"six", 6},
                                                 {"sept", 7},
                                                 {"huit", 8},
                                                 {"neuf", 9},
                                                 {"dix", 10},
                                                 {"onze", 11},
                                                 {"douze", 12},
                                                 {"treize", 13},
                                                 {"quatorze", 14},
                                                 {"quinze", 15},
                                                 {"seize", 16},
                                                 {"vingt", 20},
                                                 {"vingts", 20},
                                                 {"trente", 30},
                                                 {"quarante", 40},
                                                 {"cinquante", 50},
                                                 {"soixante", 60},
                                                 {"cent", 100},
                                                 {"cents", 100},
                                                 {"mille", 1000},
                                                 {"million", 1000000},
                                                 {"millions", 1000000},
                                                 {"douzaine", 12},
                                                 {"dizaine", 10},
                                                 {"quinzaine", 15},
                                                 {"vingtaine", 20},
                                                 {"trentaine", 30},
                                                 {"quarantaine", 40},
                                                 {"cinquantaine", 50},
                                                 {"soixantaine", 60},
                                                 {"centaine", 100},
                                                 {NULL, 0}};

static const struct msp_hedge_word hedges[] = {{"environ", MSP_ABOUT},
                                               {"autour de", MSP_ABOUT},
                                               {"aux alentours de", MSP_ABOUT},
                                               {"à peu près", MSP_ABOUT},
                                               {"approximativement", MSP_ABOUT},
                                               {"quelque", MSP_ABOUT},
                                               {"aux environs de", MSP_ABOUT},
                                               {"plus de", MSP_OVER},
                                               {"un peu plus de", MSP_OVER},
                                               {"plus d", MSP_OVER},
                                               {"un peu plus d", MSP_OVER},
                                               {"au delà de", MSP_OVER},
                                               {"moins de", MSP_UNDER},
                                               {"un peu moins de", MSP_UNDER},
                                               {"moins d", MSP_UNDER},
                                               {"un peu moins d", MSP_UNDER},
                                               {"près de", MSP_UNDER},
                                               {"presque", MSP_UNDER},
                                               {"pas loin de", MSP_UNDER},
                                               {"quasiment", MSP_UNDER},
                                               {"au moins", MSP_AT_LEAST},
                                               {"au plus", MSP_AT_MOST},
                                               {"au maximum", MSP_AT_MOST},
                                               {"au minimum", MSP_AT_LEAST},
                                               {"sous", MSP_UNDER},
                                               {NULL, MSP_EXACTLY}};

static const struct msp_fraction_word fractions[] = {{"la moitié", 1, 2},
                                                     {"moitié", 1, 2},
                                                     {"un tiers", 1, 3},
                                                     {"le tiers", 1, 3},
                                                     {"tiers", 1, 3},
                                                     {"deux tiers", 2, 3},
                                                     {"les deux tiers", 2, 3},
                                                     {"un quart", 1, 4},
                                                     {"le quart", 1, 4},
                                                     {"quart", 1, 4},
                                                     {"trois quarts", 3, 4},
                                                     {"les trois quarts", 3, 4},
                                                     {"un cinquième", 1, 5},
                                                     {"deux cinquièmes", 2, 5},
                                                     {"trois cinquièmes", 3, 5},
                                                     {"quatre cinquièmes", 4, 5},
                                                     {"un dixième", 1, 10},
                                                     {"un sixième", 1, 6},
                                                     {"un huitième", 1, 8},
                                                     {"une demi", 1, 2},
                                                     {"demi", 1, 2},
                                                     {NULL, 0, 0}};

static const struct msp_unit_word units[] = {{"points de pourcentage", MSP_UNIT_PERCENT_POINTS, 0},
                                             {"point de pourcentage", MSP_UNIT_PERCENT_POINTS, 0},
                                             {"points de pourcent", MSP_UNIT_PERCENT_POINTS, 0},
                                             {"%", MSP_UNIT_PERCENT, 0},
                                             {"pour cent", MSP_UNIT_PERCENT, 0},
                                             {"pourcent", MSP_UNIT_PERCENT, 0},
                                             {"points", MSP_UNIT_POINTS, 0},
                                             {"point", MSP_UNIT_POINTS, 0},
                                             {"pts", MSP_UNIT_POINTS, 0},
                                             {"pt", MSP_UNIT_POINTS, 0},
                                             {"sur 5", MSP_UNIT_SCORE, 0},
                                             {"sur cinq", MSP_UNIT_SCORE, 0},
                                             {"/ 5", MSP_UNIT_SCORE, 0},
                                             {"secondes", MSP_UNIT_DURATION, 1},
                                             {"seconde", MSP_UNIT_DURATION, 1},
                                             {"sec", MSP_UNIT_DURATION, 1},
                                             {"s", MSP_UNIT_DURATION, 1},
                                             {"minutes", MSP_UNIT_DURATION, 60},
                                             {"minute", MSP_UNIT_DURATION, 60},
                                             {"min", MSP_UNIT_DURATION, 60},
                                             {"mn", MSP_UNIT_DURATION, 60},
                                             {"heures", MSP_UNIT_DURATION, 3600},
                                             {"heure", MSP_UNIT_DURATION, 3600},
                                             {"h", MSP_UNIT_DURATION, 3600},
                                             {"jours", MSP_UNIT_DURATION, 86400},
                                             {"jour", MSP_UNIT_DURATION, 86400},
                                             {"j", MSP_UNIT_DURATION, 86400},
                                             {"semaines", MSP_UNIT_DURATION, 604800},
                                             {"semaine", MSP_UNIT_DURATION, 604800},
                                             {NULL, MSP_UNIT_NONE, 0}};

static const char *const months[] = {
    "janvier",   "février", "mars",     "avril",    "mai",  "juin", "juillet", "août",
    "septembre", "octobre", "novembre", "décembre", "janv", "févr", NULL,      "avr",
    NULL,        NULL,      "juil",     "aout",     "sept", "oct",  "nov",     "déc"};
static const char *const weekdays[] = {"lundi",    "mardi",  "mercredi", "jeudi",
                                       "vendredi", "samedi", "dimanche"};
static const char *const date_from[] = {"du", "entre", "depuis", "dès", NULL};
static const char *const date_to[] = {"au", "à", "jusqu", "et", "-", NULL};
static const char *const articles[] = {"un", "une", NULL};
static const char *const level_words[] = {"à", "atteint", "atteignant", "atteindre", NULL};
static const char *const by_words[] = {NULL};
static const char *const fillers[] = {"(", "de",    "des",     "d",    "les", "le", "la",
                                      "l", "était", "étaient", "avec", "où",  "il", "elle",
                                      "y", "en",    "avait",   "à",    "aux", NULL};
static const char *const abbreviations[] = {"env", "p", "ex", "etc", "m", "mme", "st", "ste", NULL};
static const char *const and_words[] = {"et", NULL};

const struct msp_lexicon msp_lexicon_french = {
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
    .half_behind = "demie",
    .decimal = ',',
};
