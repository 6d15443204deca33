"""Sentences as a language model might write them, in both languages, for the proof of the text check.

Written without looking at the program's own tables of words. In a template {c} is the current value, {p}
the previous one, {d} the change and {r} the change in percent, as the facts write them; <c> is the citation
of {c}, <c,p> that of both; {S} and {s} are the subject with and without a capital; {m} a member.
"""

SUBJECTS = {
    "en": {
        "tickets_created": ["the number of tickets created", "the volume of new tickets", "ticket creation", "the count of newly opened tickets", "incoming tickets"],
        "tickets_resolved": ["the number of resolved tickets", "the count of tickets resolved", "ticket resolution"],
        "tickets_closed": ["the number of closed tickets", "ticket closures"],
        "backlog": ["the backlog", "the open backlog", "the backlog of unresolved tickets", "the ticket backlog"],
        "sla_compliance": ["SLA compliance", "the SLA compliance rate", "compliance with the SLA", "service level compliance"],
        "resolution_minutes_p50": ["the median resolution time", "the median time to resolution", "the median time needed to resolve a ticket"],
        "resolution_minutes_mean": ["the average resolution time", "the mean time to resolution"],
        "resolution_minutes_p90": ["the 90th percentile of the resolution time", "the P90 resolution time"],
        "first_response_minutes_p50": ["the median first response time", "the median time to first response", "the median time until a first reply"],
        "first_response_minutes_mean": ["the average first response time", "the mean time to a first response"],
        "csat_mean": ["customer satisfaction", "the average satisfaction score", "the mean CSAT score"],
        "reopen_rate": ["the reopen rate", "the share of resolved tickets that were reopened"],
        "tickets_reopened": ["the number of reopened tickets", "the count of tickets reopened"],
    },
    "fr": {
        "tickets_created": ["le nombre de tickets créés", "le volume de nouveaux tickets", "le nombre de tickets ouverts", "le nombre de demandes reçues"],
        "tickets_resolved": ["le nombre de tickets résolus", "le nombre de demandes résolues", "le total des tickets résolus"],
        "tickets_closed": ["le nombre de tickets clos", "le nombre de tickets clôturés"],
        "backlog": ["le stock de tickets en attente", "le backlog", "le stock de tickets non résolus", "le stock"],
        "sla_compliance": ["le taux de respect du SLA", "le respect des engagements de service", "la conformité au SLA"],
        "resolution_minutes_p50": ["le délai médian de résolution", "le temps de résolution médian", "la durée médiane de résolution"],
        "resolution_minutes_mean": ["le délai moyen de résolution", "le temps moyen de résolution"],
        "resolution_minutes_p90": ["le 90e centile du délai de résolution", "le P90 du temps de résolution"],
        "first_response_minutes_p50": ["le délai médian de première réponse", "le temps médian de première réponse"],
        "first_response_minutes_mean": ["le délai moyen de première réponse", "le temps moyen avant une première réponse"],
        "csat_mean": ["la note moyenne de satisfaction", "la satisfaction moyenne des clients"],
        "reopen_rate": ["le taux de réouverture", "la part des tickets résolus qui ont été rouverts"],
        "tickets_reopened": ["le nombre de tickets rouverts"],
    },
}

# Without a comparison.
ALONE = {
    "en": ["{S} was {c} <c>.", "{S} came to {c} <c>.", "{S} stood at {c} <c>.", "This period, {s} was {c} <c>.",
           "At {c} <c>, {s} is what the team reports.", "For this period, {s} reached {c} <c>.", "{S} amounted to {c} <c>.",
           "In the current period {s} totalled {c} <c>.", "{S}: {c} <c>.", "We measured {s} at {c} <c>.", "{S} was recorded at {c}. <c>",
           "Over the period, {s} was exactly {c} <c>."],
    "fr": ["{S} est de {c} <c>.", "{S} s’établit à {c} <c>.", "{S} s’élève à {c} <c>.", "Sur la période, {s} atteint {c} <c>.",
           "{S} était de {c} <c>.", "Pour cette période, {s} ressort à {c} <c>.", "{S} se situe à {c} <c>.", "{S} : {c} <c>.",
           "Nous relevons {s} à {c} <c>.", "Sur la période étudiée, {s} était de {c}. <c>", "Côté chiffres, {s} se monte à {c} <c>."],
}

# With the value before; "U" stands for what rises and falls alike.
UP = {
    "en": ["{S} rose from {p} to {c} <p,c>.", "{S} increased to {c} <c>, up from {p} <p> in the previous period.",
           "{S} climbed to {c} <c>, compared with {p} <p> in the previous period.", "{S} was {c} <c>, higher than the {p} of the previous period <p>.",
           "{S} grew from {p} in the previous period to {c} in this one <p,c>.", "{S} was {c} <c>, up from {p} <p>.",
           "Compared with the previous period, {s} rose from {p} <p> to {c} <c>.", "{S} went up: {c} <c> against {p} in the previous period <p>.",
           "{S} moved up to {c} <c>; the previous period had {p} <p>.", "{S} was up, at {c} versus {p} <c,p>.",
           "{S} reached {c} <c>, an increase over the previous period’s {p} <p>."],
    "fr": ["{S} est passé de {p} à {c} <p,c>, en hausse.", "{S} a augmenté pour atteindre {c} <c>, contre {p} <p> sur la période précédente.",
           "{S} progresse à {c} <c>, contre {p} auparavant <p>.", "{S} s’établit à {c} <c>, en hausse par rapport aux {p} de la période précédente <p>.",
           "En hausse, {s} passe de {p} à {c} <p,c>.", "{S} a grimpé de {p} sur la période précédente à {c} sur celle-ci <p,c>.",
           "{S} est supérieur à celui de la période précédente : {c} <c> contre {p} <p>.", "{S} atteint {c} <c> alors qu’on comptait {p} sur la période précédente <p>, soit une augmentation."],
}
DOWN = {
    "en": ["{S} fell from {p} to {c} <p,c>.", "{S} decreased to {c} <c>, down from {p} <p> in the previous period.",
           "{S} dropped to {c} <c>, compared with {p} <p> in the previous period.", "{S} was {c} <c>, lower than the {p} of the previous period <p>.",
           "{S} declined from {p} in the previous period to {c} in this one <p,c>.", "{S} was {c} <c>, down from {p} <p>.",
           "Compared with the previous period, {s} fell from {p} <p> to {c} <c>.", "{S} went down: {c} <c> against {p} in the previous period <p>.",
           "{S} slipped to {c} <c>; the previous period had {p} <p>.", "{S} was down, at {c} versus {p} <c,p>.",
           "{S} came in at {c} <c>, a drop from the previous period’s {p} <p>."],
    "fr": ["{S} est passé de {p} à {c} <p,c>, en baisse.", "{S} a diminué pour atteindre {c} <c>, contre {p} <p> sur la période précédente.",
           "{S} recule à {c} <c>, contre {p} auparavant <p>.", "{S} s’établit à {c} <c>, en baisse par rapport aux {p} de la période précédente <p>.",
           "En baisse, {s} passe de {p} à {c} <p,c>.", "{S} a chuté de {p} sur la période précédente à {c} sur celle-ci <p,c>.",
           "{S} est inférieur à celui de la période précédente : {c} <c> contre {p} <p>.", "{S} tombe à {c} <c> alors qu’on comptait {p} sur la période précédente <p>, soit une diminution."],
}

# With the change itself.
UP_BY = {
    "en": ["{S} rose by {r} <r> to {c} <c>.", "{S} was {c} <c>, {r} higher than in the previous period <r>.", "{S} is up {r} on the previous period <r>.",
           "{S} increased by {d} <d>, from {p} <p> to {c} <c>.", "With an increase of {r} <r>, {s} reached {c} <c>.",
           "{S} gained {r} compared with the previous period <r>.", "We saw {s} rise by {r} <r>.", "There was a {r} increase in {s} <r>.",
           "{S} rose {r} <r> period on period."],
    "fr": ["{S} a augmenté de {r} <r>, à {c} <c>.", "{S} est en hausse de {r} par rapport à la période précédente <r>.", "{S} progresse de {r} <r> pour atteindre {c} <c>.",
           "Avec une hausse de {r} <r>, {s} atteint {c} <c>.", "{S} gagne {d} <d>, passant de {p} <p> à {c} <c>.",
           "On observe une augmentation de {r} pour {s} <r>.", "{S} s’est accru de {r} <r>."],
}
DOWN_BY = {
    "en": ["{S} fell by {r} <r> to {c} <c>.", "{S} was {c} <c>, {r} lower than in the previous period <r>.", "{S} is down {r} on the previous period <r>.",
           "{S} decreased by {d} <d>, from {p} <p> to {c} <c>.", "With a decrease of {r} <r>, {s} reached {c} <c>.",
           "{S} lost {r} compared with the previous period <r>.", "We saw {s} drop by {r} <r>.", "There was a {r} reduction in {s} <r>.",
           "{S} fell {r} <r> period on period."],
    "fr": ["{S} a baissé de {r} <r>, à {c} <c>.", "{S} est en baisse de {r} par rapport à la période précédente <r>.", "{S} recule de {r} <r> pour atteindre {c} <c>.",
           "Avec une baisse de {r} <r>, {s} atteint {c} <c>.", "{S} perd {d} <d>, passant de {p} <p> à {c} <c>.",
           "On observe une diminution de {r} pour {s} <r>.", "{S} s’est réduit de {r} <r>."],
}

# For metrics of which more is better, or less.
BETTER = {
    "en": ["{S} improved from {p} to {c} <p,c>.", "{S} improved by {d} <d>.", "{S} got better, at {c} <c> compared with {p} in the previous period <p>."],
    "fr": ["{S} s’améliore, passant de {p} à {c} <p,c>.", "{S} s’est amélioré de {d} <d>.", "Amélioration : {s} passe de {p} à {c} <p,c>."],
}
WORSE = {
    "en": ["{S} worsened from {p} to {c} <p,c>.", "{S} deteriorated by {d} <d>.", "{S} got worse, at {c} <c> compared with {p} in the previous period <p>."],
    "fr": ["{S} se dégrade, passant de {p} à {c} <p,c>.", "{S} s’est détérioré de {d} <d>.", "Dégradation : {s} passe de {p} à {c} <p,c>."],
}
FASTER = {
    "en": ["{S} was {d} shorter than in the previous period <d>, at {c} <c>.", "{S} shortened from {p} to {c} <p,c>.", "{S} was {c} <c>, {d} faster than before <d>."],
    "fr": ["{S} a raccourci de {d} <d>, à {c} <c>.", "{S} est plus court de {d} que sur la période précédente <d>."],
}
SLOWER = {
    "en": ["{S} was {d} longer than in the previous period <d>, at {c} <c>.", "{S} lengthened from {p} to {c} <p,c>.", "{S} was {c} <c>, {d} slower than before <d>."],
    "fr": ["{S} s’est allongé de {d} <d>, à {c} <c>.", "{S} est plus long de {d} que sur la période précédente <d>."],
}

# Only for counts: who did what.
COUNTS = {
    "en": {
        "tickets_created": ["{c} tickets were created <c>.", "Users opened {c} tickets <c>.", "Your team raised {c} requests <c>, against {p} in the previous period <p>.", "We received {c} new tickets <c>.",
                            "A total of {c} tickets were logged <c>, compared to {p} the period before <p>."],
        "tickets_resolved": ["{c} tickets were resolved <c>.", "We resolved {c} tickets <c>.", "The team solved {c} tickets <c>, after {p} in the previous period <p>.", "In total {c} requests were resolved <c>."],
        "tickets_closed": ["{c} tickets were closed <c>.", "We closed {c} tickets <c>, versus {p} in the previous period <p>."],
        "backlog": ["{c} tickets were still open at the end of the period <c>.", "At the end of the period {c} tickets remained open <c>.", "The backlog closed the period at {c} tickets <c>, against {p} at the end of the previous period <p>."],
        "tickets_reopened": ["{c} resolved tickets had been reopened <c>."],
    },
    "fr": {
        "tickets_created": ["{c} tickets ont été créés <c>.", "Vos équipes ont ouvert {c} tickets <c>, contre {p} sur la période précédente <p>.", "Nous avons reçu {c} nouvelles demandes <c>.", "Au total, {c} tickets ont été enregistrés <c>."],
        "tickets_resolved": ["{c} tickets ont été résolus <c>.", "Nous avons résolu {c} tickets <c>, contre {p} sur la période précédente <p>.", "L’équipe a traité {c} demandes <c>."],
        "tickets_closed": ["{c} tickets ont été clôturés <c>.", "Nous avons clos {c} tickets <c>, après {p} sur la période précédente <p>."],
        "backlog": ["{c} tickets restaient ouverts en fin de période <c>.", "En fin de période, {c} tickets étaient encore ouverts <c>."],
        "tickets_reopened": ["{c} tickets résolus ont été rouverts <c>."],
    },
}

# Two metrics in one sentence: {a} and {b} of different metrics.
PAIRS = {
    "en": ["{a} tickets were created <a> and {b} were resolved <b>.", "We received {a} tickets <a> and resolved {b} <b>.", "Of the {a} tickets created <a>, the team counts {b} resolved ones <b>.",
           "{a} tickets were opened and {b} were resolved <a,b>.", "While {a} tickets were created <a>, {b} tickets were resolved <b>."],
    "fr": ["{a} tickets ont été créés <a> et {b} ont été résolus <b>.", "Nous avons reçu {a} tickets <a> et en avons résolu {b} <b>.", "{a} tickets ont été ouverts et {b} résolus <a,b>.",
           "Alors que {a} tickets ont été créés <a>, {b} tickets ont été résolus <b>."],
}

DATES = {
    "en": ["This summary covers {from} to {to} <f,t>.", "From {from} <f> to {to} <t>, here is how the service did.", "The period runs from {from} <f> through {to} <t>.",
           "This report looks at the period between {from} and {to} <f,t>."],
    "fr": ["Ce bilan couvre la période du {from} au {to} <f,t>.", "Du {from} <f> au {to} <t>, voici la vie du service.", "La période étudiée s’étend du {from} au {to} <f,t>."],
}
DATES_BEFORE = {
    "en": ["The previous period ran from {from} to {to} <f,t>.", "It is compared with the previous period, {from} to {to} <f,t>."],
    "fr": ["La période précédente allait du {from} au {to} <f,t>.", "La comparaison porte sur la période précédente, du {from} au {to} <f,t>."],
}
COMPLETE = {
    "en": ["The data are complete through {day} <x>.", "Figures are final up to {day} <x>.", "Data is complete through {day} <x>."],
    "fr": ["Les données sont complètes jusqu’au {day} <x>.", "Les chiffres sont définitifs jusqu’au {day} <x>."],
}

MEMBERS = {
    "en": ["{m} accounted for {c} tickets created <c>, {s} of the total <s>.", "{m} saw {c} new tickets <c>.", "In {m}, {c} tickets were created <c>, against {p} in the previous period <p>.",
           "The {m} category received {c} tickets <c>.", "With {c} tickets created in {m} <c>, the topic deserves attention."],
    "fr": ["{m} représente {c} tickets créés <c>, soit {s} du total <s>.", "La catégorie {m} compte {c} nouveaux tickets <c>.", "En {m}, {c} tickets ont été créés <c>, contre {p} sur la période précédente <p>."],
}
UNKNOWN = {
    "en": ["There is no data on {s} <c>.", "No data is available for {s} <c>.", "For {s} there is no data <c>."],
    "fr": ["Aucune donnée n’est disponible sur {s} <c>.", "Il n’y a aucune donnée pour {s} <c>."],
}
FREE = {
    "en": ["Thank you for your trust.", "Here is what happened.", "Please contact us if you have questions.", "We remain at your disposal.", "The details follow.", "Our team looks after your systems with care."],
    "fr": ["Merci de votre confiance.", "Voici les faits.", "Nous restons à votre disposition.", "N’hésitez pas à nous contacter.", "Les détails suivent.", "Notre équipe veille sur vos systèmes."],
}
