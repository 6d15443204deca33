/* What the template writer says in French. */
#include "template_lines.h"

#include <stddef.h>

#define NNBSP  "\xe2\x80\xaf" /* U+202F: before a colon and inside guillemets */
#define BEFORE " que sur la période précédente ({p})."
#define ALIKE  ", comme sur la période précédente."

static const struct msp_template_metric metrics[] = {
    {"tickets_created", 1, "{c} {c?ticket a été créé|tickets ont été créés}.",
     "{c} {c?ticket a été créé|tickets ont été créés}, soit {r} de plus" BEFORE,
     "{c} {c?ticket a été créé|tickets ont été créés}, soit {r} de moins" BEFORE,
     "{c} {c?ticket a été créé|tickets ont été créés}" ALIKE,
     "Il n’y a aucune donnée sur les tickets créés pour cette période."},
    {"tickets_resolved", 1, "{c} {c?ticket a été résolu|tickets ont été résolus}.",
     "{c} {c?ticket a été résolu|tickets ont été résolus}, soit {r} de plus" BEFORE,
     "{c} {c?ticket a été résolu|tickets ont été résolus}, soit {r} de moins" BEFORE,
     "{c} {c?ticket a été résolu|tickets ont été résolus}" ALIKE,
     "Il n’y a aucune donnée sur les tickets résolus pour cette période."},
    {"backlog", 1, "En fin de période, le stock comptait {c} {c?ticket|tickets}.",
     "En fin de période, le stock comptait {c} {c?ticket|tickets}, soit {r} de plus" BEFORE,
     "En fin de période, le stock comptait {c} {c?ticket|tickets}, soit {r} de moins" BEFORE,
     "En fin de période, le stock comptait {c} {c?ticket|tickets}" ALIKE,
     "Il n’y a aucune donnée sur le stock en fin de période."},
    {"sla_compliance", 2, "Le taux de respect du SLA était de {c}.",
     "Le taux de respect du SLA était de {c}, soit {d} de plus" BEFORE,
     "Le taux de respect du SLA était de {c}, soit {d} de moins" BEFORE,
     "Le taux de respect du SLA était de {c}" ALIKE,
     "Il n’y a aucune donnée sur le respect du SLA pour cette période."},
    {"first_response_minutes_p50", 2, "Le délai médian de première réponse était de {c}.",
     "Le délai médian de première réponse était de {c}, soit {d} de plus" BEFORE,
     "Le délai médian de première réponse était de {c}, soit {d} de moins" BEFORE,
     "Le délai médian de première réponse était de {c}" ALIKE,
     "Il n’y a aucune donnée sur le délai de première réponse pour cette période."},
    {"resolution_minutes_p50", 2, "Le délai médian de résolution était de {c}.",
     "Le délai médian de résolution était de {c}, soit {d} de plus" BEFORE,
     "Le délai médian de résolution était de {c}, soit {d} de moins" BEFORE,
     "Le délai médian de résolution était de {c}" ALIKE,
     "Il n’y a aucune donnée sur le délai de résolution pour cette période."},
    {"resolution_minutes_p90", 2, "Le 90e centile du délai de résolution était de {c}.",
     "Le 90e centile du délai de résolution était de {c}, soit {d} de plus" BEFORE,
     "Le 90e centile du délai de résolution était de {c}, soit {d} de moins" BEFORE,
     "Le 90e centile du délai de résolution était de {c}" ALIKE, NULL},
    {"tickets_reopened", 2,
     "{c} {c?ticket résolu avait été rouvert|tickets résolus avaient été rouverts}.",
     "{c} {c?ticket résolu avait été rouvert|tickets résolus avaient été rouverts}, soit {r} de "
     "plus" BEFORE,
     "{c} {c?ticket résolu avait été rouvert|tickets résolus avaient été rouverts}, soit {r} de "
     "moins" BEFORE,
     "{c} {c?ticket résolu avait été rouvert|tickets résolus avaient été rouverts}" ALIKE, NULL},
    {"csat_mean", 2, "La note moyenne de satisfaction était de {c} sur 5.",
     "La note moyenne de satisfaction était de {c} sur 5, soit {d} de plus" BEFORE,
     "La note moyenne de satisfaction était de {c} sur 5, soit {d} de moins" BEFORE,
     "La note moyenne de satisfaction était de {c} sur 5" ALIKE,
     "Il n’y a aucune donnée sur la satisfaction pour cette période."},
    {.metric = NULL},
};

static const struct msp_template_dimension dimensions[] = {
    {"priority", "Priorité {m}" NNBSP ": {c} {c?ticket créé|tickets créés}, soit {s} du total.",
     "Sans priorité" NNBSP ": {c} {c?ticket créé|tickets créés}, soit {s} du total."},
    {"category",
     "Catégorie «" NNBSP "{m}" NNBSP "»" NNBSP
     ": {c} {c?ticket créé|tickets créés}, soit {s} du total.",
     "Sans catégorie" NNBSP ": {c} {c?ticket créé|tickets créés}, soit {s} du total."},
    {"group",
     "Groupe «" NNBSP "{m}" NNBSP "»" NNBSP
     ": {c} {c?ticket créé|tickets créés}, soit {s} du total.",
     "Sans groupe" NNBSP ": {c} {c?ticket créé|tickets créés}, soit {s} du total."},
    {.dimension = NULL},
};

const struct msp_template_words msp_template_french = {
    .opening = "Ce bilan pour {t} porte sur la période du {from} au {to}.",
    .compared = "Il est comparé à la période précédente, du {from} au {to}.",
    .nothing = "Il n’y a aucune donnée pour cette période.",
    .incomplete = "Les chiffres ne sont pas définitifs" NNBSP
                  ": les données sont complètes jusqu’au {through}, et {c} des {n} jours de la "
                  "période {c?n’est pas encore complet|ne sont pas encore complets}.",
    .incomplete_all = "Les chiffres ne sont pas définitifs" NNBSP
                      ": aucun des {n} {n?jour|jours} de la période n’est encore complet.",
    .priorities = {{"critical", "critique"},
                   {"high", "haute"},
                   {"medium", "moyenne"},
                   {"low", "basse"},
                   {"none", "nulle"}},
    .metrics = metrics,
    .dimensions = dimensions,
};
