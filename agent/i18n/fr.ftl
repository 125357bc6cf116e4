# Ce que lisent les gens, en français d'abord. Le ton : court, chaleureux, exact.
# Une phrase qui affirme porte, juste au-dessus, « Proof: » et le nom du test qui la prouve.
# Espaces insécables avant : ; ? et dans les guillemets ; apostrophe courbe. Un test y veille.

## Cadre

brand = Besace
nav-label = Rubriques
nav-today = Aujourd’hui
nav-cards = Cartes
nav-consent = Accords
nav-journal = Journal
skip-to-content = Aller au contenu
language-label = Langue
language-fr = Français
language-en = English
close-besace = Refermer
leave-keep-open = Quitter sans refermer
back-to-cards = Toutes les cartes

## Fermée à clé

unlock-title = Ouvrir votre besace
# Proof: everything_refuses_while_locked
locked = Votre besace est fermée à clé. Ce qui arrive est scellé et vous attend. Sans votre clé, personne ne peut l’ouvrir : ni votre hébergeur, ni nous.
unlock-here = Votre besace est ouverte, mais pas dans ce navigateur. Votre phrase secrète le lui prouvera.
passphrase-label = Votre phrase secrète
unlock-button = Ouvrir
unlock-wrong = Cette phrase n’ouvre pas votre besace. Vérifiez les majuscules, puis recommencez.
unlock-damaged = Le fichier de votre besace est abîmé, ou n’est pas le sien. Rien n’y a été changé. La commande besace doctor en dit plus.
unlock-newer = Un programme plus récent a écrit dans cette besace. Ouvrez-la avec lui.
unlock-no-copy = Avant toute mise à jour, une copie de votre besace est gardée, et la place manque. Rien n’a été changé.
unlock-not-upgraded = Votre besace n’a pas pu être mise à jour. Elle est restée telle quelle, et l’ancien programme l’ouvre toujours.
unlock-too-fast = Trop d’essais à la suite. Recommencez dans { $seconds ->
    [one] une seconde
   *[other] { $seconds } secondes
}.

## Aujourd’hui

today-title = Aujourd’hui
today-waiting = { $count ->
    [one] Une demande attend votre réponse
   *[other] { $count } demandes attendent votre réponse
}
today-waiting-link = Lire
today-offers = { $count ->
    [one] Une offre répond à ce que vous cherchez
   *[other] { $count } offres répondent à ce que vous cherchez
}
today-more = { $count ->
    [one] Une autre attend dans votre besace.
   *[other] { $count } autres attendent dans votre besace.
}
today-why = Pourquoi celle-ci
today-until = Jusqu’au { $date }
today-price = Prix
today-price-before = au lieu de { $price }
today-at = chez { $retailer }
today-empty-title = Rien ne répond encore
today-empty-no-wish = Dites à votre besace ce que vous cherchez : elle lira les offres pour vous, ici même.
today-empty-no-catalogue = Vos souhaits sont notés. Il manque une enseigne dont vous vouliez lire les offres.
today-empty-quiet = Vos souhaits sont notés. Aucune offre du moment n’y répond ; revenez demain.

## Un produit en main

product-title = Un produit en main
product-link = Un produit en main ? Regardez ce que votre besace en sait.
product-code-label = Code-barres, lien ou numéro
product-button = Regarder
# Proof: looking_at_a_product_sends_no_byte
product-stays-here = La réponse est déjà chez vous. Rien ne part, et rien n’est noté.
product-unknown-code = Ce code ne désigne aucun produit. Recopiez le numéro sous les barres.
product-nothing = Aucune enseigne dont vous lisez les offres n’en parle en ce moment.
product-lowest = Prix le plus bas vu en trente jours : { $price }, chez { $retailer }, le { $date }.
product-claim-confirmed = Le prix d’avant, { $price }, est bien celui que votre besace a vu.
product-claim-not-confirmed = Prix d’avant non confirmé : votre besace l’a vu à { $price } le { $date }.
product-claim-unknown = Prix d’avant invérifiable : votre besace le regarde depuis le { $date }.
product-claim-never-seen = Prix d’avant invérifiable : votre besace ne l’a pas vu.
product-missing = Pas pour vous en ce moment
product-wish = Répond à votre souhait « { $wish } ».
product-wish-too-dear = Répond à votre souhait « { $wish } », au-dessus de votre prix.
product-history = Prix vus
product-seen = { $price } chez { $retailer }, du { $first } au { $last }
product-comparison = Au même rayon, du moins cher au plus cher

## Cartes

cards-title = Cartes
cards-empty-title = Aucune carte pour l’instant
cards-empty = Apportez celles de votre téléphone : un export de Catima suffit.
cards-empty-how = Dans un terminal :
card-code = Code { $symbology } de la carte { $card }
card-number = Numéro
card-balance = Solde
card-points = { $points ->
    [one] un point
   *[other] { $number } points
}
card-until = Valable jusqu’au
card-note = Note
card-undrawable = Ce code ne se dessine pas ici sans risque d’erreur. Dictez ou tapez le numéro.
card-no-code = Cette carte n’a pas de code. Dictez ou tapez le numéro.
card-till-hint = Montrez l’écran à la caisse, luminosité au plus haut.

## Accords

consent-title = Accords
consent-requests-title = Ce qu’on vous demande
consent-requests-empty = Personne ne vous demande rien.
consent-yes = Oui
consent-no = Non
consent-details = Le détail
consent-live-title = Ce que vous permettez
consent-live-empty = Vous ne permettez rien à personne.
consent-stop = Arrêter
consent-who = Qui
consent-what = Quoi
consent-where = Où
consent-why = Pour quoi faire
consent-since = Depuis
consent-until = Jusqu’au
consent-get = En échange
consent-kept = Gardé
consent-sent-to = Transmis à
consent-state = Où cela en est
marketing-title = Les offres de chaque enseigne
marketing-open = Les offres de { $retailer } sont rapprochées de vos souhaits, ici, dans votre besace.
marketing-stopped = Depuis le { $date }, aucune offre de { $retailer } ne vous est montrée, et votre besace ne lui demande plus de bons. Les vôtres restent.
marketing-told = { $retailer } le sait : c’est inscrit dans son registre.
marketing-pending = { $retailer } ne l’a pas encore inscrit dans son registre ; nous le redirons jusque-là.
marketing-former = Vous l’avez dit à { $retailer } avant de repartir à neuf : de vous aujourd’hui, elle ne le sait pas. Le redire peut l’aider à deviner que vous êtes la même personne.
marketing-again = Le redire
marketing-object = Plus aucune offre
marketing-allow = De nouveau ses offres
# Proof: nothing_but_active_is_live
consent-unsigned = { $retailer } n’a pas encore signé ; rien ne part avant.
consent-contact = Pour écrire
consent-notice = Ce que l’enseigne vous doit de savoir
notice-controller = Qui demande
notice-purpose = Pour quoi faire
notice-legal-basis = De quel droit
notice-obligation = Si vous dites non
notice-recipients = Qui d’autre reçoit
notice-transfers = Hors d’Europe
notice-retention = Combien de temps
notice-automated-decisions = Décisions automatiques
notice-withdrawal = Pour arrêter
notice-rights = Vos droits
notice-complaint = Pour vous plaindre
notice-data-protection-officer = Délégué aux données
consent-looked-up-title = Qui vous a reconnu
consent-looked-up-empty = Aucune enseigne ne vous a reconnu jusqu’ici.
consent-proof = La preuve
consent-ended-title = Ce qui est fini
consent-kept-days = { $days ->
    [one] un jour
   *[other] { $days } jours
}
consent-ended-unanswered = { $retailer } n’a finalement pas signé votre accord : rien n’a été donné.
consent-ended-expired = Arrivé à son terme le { $date }.
consent-ended-revoked = Terminé par la boutique : { $retailer } y a mis fin le { $date }.
consent-revoked-earned = Ce que vous avez gagné reste à vous.
consent-revoked-restoration = { $retailer } a perdu une partie de ses registres. Vous pouvez redonner, si vous le voulez.
consent-revoked-programme-over = Son programme s’arrête.
consent-revoked-purpose-over = Elle ne fait plus cela.
consent-revoked-security = Elle le fait par sécurité.
consent-revoked-shop-closed = La boutique ferme.
consent-ended-superseded = Le { $date }, un autre accord avec { $retailer } a pris sa place.
renew-ends = Il s’arrête de lui-même le { $date }. Vous n’avez rien à faire.
renew-again = Continuer aussi longtemps
renew-replaces = Vous avez déjà un accord pour cela. Un oui ici prend sa place, un non n’y change rien.
renew-more = Ce qui est demandé en plus, ou autrement : { $what }.
renew-less = Ce qui est demandé en moins : { $what }.
renew-same = C’est la même chose, pour aussi longtemps.

# Proof: nothing_but_active_is_live
stopped = C’est arrêté. Dès cet instant, votre besace se tait pour { $retailer }. Ce que vous avez gagné reste à vous.
stop-pending = { $retailer } ne répond pas. Pour vous, c’est arrêté ; à elle, nous le redirons jusqu’à ce qu’elle en signe la réception.
stop-due = Elle a jusqu’au { $moment } pour signer.
stop-late = { $days ->
    [0] Elle devait signer avant le { $date }.
    [one] Elle devait signer avant le { $date } : elle a un jour de retard.
   *[other] Elle devait signer avant le { $date } : elle a { $days } jours de retard.
}
stop-erasure-late = Le mois que la loi lui donne pour effacer ce qu’elle avait est passé. Vous pouvez vous plaindre à la CNIL.
# Proof: an_erasure_that_names_less_is_refused_and_what_is_owed_stays_visible
erasure-due = { $retailer } doit signer avant le { $date } que ce qu’elle avait est effacé.
erasure-late = { $days ->
    [0] { $retailer } devait signer avant le { $date } que ce qu’elle avait est effacé. Vous pouvez vous plaindre à la CNIL.
    [one] { $retailer } devait signer avant le { $date } que ce qu’elle avait est effacé : elle a un jour de retard. Vous pouvez vous plaindre à la CNIL.
   *[other] { $retailer } devait signer avant le { $date } que ce qu’elle avait est effacé : elle a { $days } jours de retard. Vous pouvez vous plaindre à la CNIL.
}
erasure-done = { $retailer } a signé le { $date } que ce qu’elle avait est effacé.
erasure-shown-late = Votre besace ne l’a su que le { $date }.
erasure-kept = Elle garde la preuve de votre oui et de sa fin.
erasure-mail = Des preuves d’usage vous y attendent encore, scellées pour vous.
erasure-told = Elle a prévenu ceux à qui elle l’avait transmis.
refused = C’est non, et c’est entendu. Cette demande ne reviendra pas avant le { $date }.

## Journal

journal-title = Journal
journal-intro = Tout ce qui est parti de cette machine, et tout ce qui y est venu.
journal-empty = Rien n’est parti, rien n’est venu.
journal-left = Parti
journal-came = Venu
journal-stayed = Ici

## Quand ça ne marche pas

problem-title = Cela n’a pas marché
problem-not-found = Il n’y a rien à cette adresse.
problem-method = Cette adresse se visite autrement.
problem-foreign = Cette demande venait d’une autre page ; elle n’a rien changé.
problem-malformed = Cette demande est incomplète ou mal formée ; elle n’a rien changé.
problem-too-large = Cette demande est trop longue ; elle n’a rien changé.
problem-too-fast = Trop de demandes à la suite. Patientez un instant.
problem-gone = Cette demande n’attend plus de réponse.
problem-went-back = Votre besace n’est plus telle qu’elle était la dernière fois : elle a reculé dans le temps. Rien n’est écrit ni envoyé tant que vous n’avez pas choisi.
problem-damaged = Votre besace est abîmée. Vous pouvez encore la lire ; plus rien n’y est écrit.
problem-no-room = Cela n’a pas pu être gardé : le disque est plein, ou protégé en écriture. Rien n’a changé.
problem-clock = L’horloge de cette machine a reculé, ou sauté loin en avant. Rien n’est envoyé tant qu’elle n’est pas à l’heure, ou que vous n’avez pas dit qu’elle l’est.
problem-unmarked = Le fichier qui remarque quand votre besace recule dans le temps ne peut pas être écrit. Ce que vous venez de faire est peut-être gardé ici. Rien n’est envoyé tant que ce fichier ne peut pas être écrit : voyez son disque, puis réessayez.
alarm-moved = Le dossier de votre besace a été déplacé ou remplacé pendant qu’elle était ouverte. Remettez-le à sa place, puis rouvrez votre besace. D’ici là, rien n’est écrit.
alarm-failing-disk = Le disque de votre besace ne garde plus ce qui s’y écrit. Copiez son dossier sur un autre disque. D’ici là, rien n’est écrit.
alarm-clock-accept = Cette heure est la bonne
problem-machine = Cette machine a eu une panne. Recommencez, ou lisez le journal du programme.
problem-back = Revenir à Aujourd’hui

## Dates

date-short = { $day } { $month }
date-long = { $day } { $month } { $year }
date-week = { $weekday } { $day } { $month }
time-of-day = { $hour } h { $minute }
moment = { $weekday } { $day } { $month } à { $time }
first-of-month = 1er
weekday-1 = lundi
weekday-2 = mardi
weekday-3 = mercredi
weekday-4 = jeudi
weekday-5 = vendredi
weekday-6 = samedi
weekday-7 = dimanche
month-and-year = { $month } { $year }
month-1 = janvier
month-2 = février
month-3 = mars
month-4 = avril
month-5 = mai
month-6 = juin
month-7 = juillet
month-8 = août
month-9 = septembre
month-10 = octobre
month-11 = novembre
month-12 = décembre

## Ce qui est demandé, en toutes lettres

ask-recognition = { $retailer } souhaite savoir quand vous entrez dans { $shops }, jusqu’au { $date }. En échange : { $benefit }. Si vous dites non, vos points restent vos points. Si vous dites oui, un geste suffira pour arrêter.
ask-greeting = { $retailer } souhaite vous accueillir par le nom de votre choix dans { $shops }, jusqu’au { $date }. En échange : { $benefit }. Si vous dites non, vos points restent vos points. Si vous dites oui, un geste suffira pour arrêter.
ask-till = { $retailer } souhaite reconnaître votre besace à la caisse, dans { $shops }, jusqu’au { $date }. En échange : { $benefit }. Si vous dites non, vos points restent vos points. Si vous dites oui, un geste suffira pour arrêter.
mirror = Avec cela, { $retailer } pourrait deviner { $guesses }.
mirror-nothing = Avec cela, { $retailer } ne devine rien de plus que ce que dit cette phrase.
mirror-groups = Toutes vos réponses ensemble vous rangent dans un groupe parmi { $groups }, silence compris.
mirror-and = { $before } et { $last }
guess-hours = vos horaires
guess-stay = le temps que vous restez
guess-days = vos jours libres
guess-rhythm = la régularité de vos visites
guess-area = le quartier où vous vivez
guess-nearby = si vous habitez ou travaillez à côté
guess-household = combien vous êtes à la maison
guess-gender = si vous êtes plutôt une femme ou un homme
guess-child = si vous avez un enfant, ou en attendez un
guess-pet = si vous avez un animal
guess-leisure = vos loisirs
guess-outings = vos sorties
guess-drinking = ce que vous buvez
guess-works = des travaux ou un déménagement
guess-means = vos moyens
guess-origin = votre âge ou vos origines, si ce nom est le vôtre
guess-mind = ce qui vous occupe en ce moment
guess-basket = comment vit votre foyer, à ses achats
consent-minor = Cette besace est celle d’une personne mineure jusqu’au { $date } : elle n’accorde rien, et aucune demande n’est montrée. Offres et bons n’en ont pas besoin.
ask-wishes = { $retailer } souhaite savoir ce que vous cherchez, pour vous répondre dans { $shops }, jusqu’au { $date }. Seuls les souhaits que vous montrez partent. D’abord le genre de chose et un ordre de prix. En échange : { $benefit }. Si vous dites non, vos points restent vos points. Si vous dites oui, un geste suffira pour arrêter.
ask-answers = { $retailer } souhaite connaître vos réponses à quelques questions ({ $questions }), pour mieux vous servir dans { $shops }, jusqu’au { $date }. Chaque réponse est un choix court, et vous pouvez préférer ne pas répondre. En échange : { $benefit }. Si vous dites non, vos points restent vos points. Si vous dites oui, un geste suffira pour arrêter.
ask-feedback = { $retailer } souhaite lire ce que vous pensez de { $shops }, jusqu’au { $date }. Seul ce que vous écrivez part : une note ou quelques mots, sur un mois ou un rayon. En échange : { $benefit }. Si vous dites non, vos points restent vos points. Si vous dites oui, un geste suffira pour arrêter.
ask-receipts = { $retailer } souhaite savoir lesquels de ses tickets de caisse sont à vous, pour un retour ou une réparation sans papier, dans { $shops }, jusqu’au { $date }. Seuls les tickets que vous montrez partent. En échange : { $benefit }. Si vous dites non, vos points restent vos points. Si vous dites oui, un geste suffira pour arrêter.
shop-one = sa boutique { $name }
shop-many = { $count ->
    [one] une de ses boutiques
   *[other] ses { $count } boutiques
}
benefit-monthly = { $amount } par mois
benefit-welcome = { $amount } de bienvenue
benefit-service = le service lui-même, et rien d’autre
purpose-recognition = vous reconnaître quand vous entrez
purpose-greeting = vous accueillir par le nom de votre choix
purpose-till = reconnaître votre besace à la caisse, et y prendre ce que vous signez
purpose-wishes = entendre ce que vous cherchez, pour y répondre
purpose-answers = connaître vos réponses à quelques questions, pour mieux vous servir
what-answer-advice = si vous préférez un conseil ou la tranquillité
what-answer-moment = le moment où vous préférez venir
what-answer-reach = votre façon de venir
what-answer-visits = à peu près combien de jours vous venez
purpose-feedback = lire ce que vous pensez de la boutique
what-feedback = une note, sur un mois de visites ou un genre de chose
what-feedback-words = vos mots
purpose-receipts = savoir quels tickets de caisse sont à vous, pour un retour ou une réparation
what-receipts-month = le numéro de vos tickets, leur magasin et leur mois
what-receipts-day = le numéro de vos tickets, leur magasin et leur jour
what-receipt-totals = leur montant
what-presence-exact = le moment où vous entrez
what-till = vos réponses à la caisse
what-wish-kind = le genre de chose que vous cherchez, et un ordre de prix
what-wish-detail = vos mots, l’article et votre prix, une fois le souhait accepté
what-presence-day = le jour où vous venez
what-presence-week = la semaine où vous venez
what-presence-month = le mois où vous venez
what-chosen-name = le nom que vous avez choisi
what-topics = les sujets que vous avez choisis
consent-sent-to-nobody = personne d’autre

## Vos réponses

answers-title = Vos réponses
answers-link = Répondre aux questions des enseignes
# Proof: nothing_leaves_before_she_chose_it_and_what_she_keeps_never_does
answers-lead = Les questions viennent d’une liste fermée. Voici chaque réponse telle qu’elle partirait. Rien ne part avant votre choix.
answers-empty = Aucune enseigne ne vous pose de question.
answers-until = Questions posées jusqu’au { $date }.
answer-computed = Calculé ici, à partir des visites que votre besace a notées. Voulez-vous l’envoyer ?
answer-unknown = Votre besace n’a noté aucune visite : elle n’a rien à répondre.
answer-keep = Je préfère ne pas répondre
answer-take-back = Reprendre cette réponse
answer-said = Votre réponse : { $answer }.
# Proof: an_answer_that_came_back_with_a_backup_leaves_once_she_gives_it_again
answer-aside = Votre réponse est revenue avec une sauvegarde : { $answer }. Elle ne part que si vous la donnez de nouveau.
# Proof: nothing_leaves_before_she_chose_it_and_what_she_keeps_never_does
answer-kept = Vous préférez ne pas répondre. L’enseigne n’en tire rien.
question-advice = En boutique, que préférez-vous ?
answer-advice-1 = Qu’on me conseille
answer-advice-2 = Qu’on me laisse tranquille
question-moment = Quand préférez-vous venir ?
answer-moment-1 = Le matin en semaine
answer-moment-2 = L’après-midi en semaine
answer-moment-3 = Le soir en semaine
answer-moment-4 = Le week-end
question-reach = Comment venez-vous ?
answer-reach-1 = À pied
answer-reach-2 = À vélo
answer-reach-3 = En transports en commun
answer-reach-4 = En voiture
question-visits = Combien de jours avez-vous passé ici, ces 90 derniers jours ?
answer-visits-1 = Un ou deux jours
answer-visits-2 = De trois à onze jours
answer-visits-3 = Douze jours ou plus

## Votre avis

feedback-title = Votre avis
feedback-link = Donner votre avis aux enseignes
# Proof: a_remark_is_read_a_day_later_taken_back_at_once_and_gone_with_the_grant
feedback-lead = Une note, quelques mots, ou les deux. Le magasin les lit le lendemain, sans nom, sans heure et sans achat.
feedback-empty = Aucune enseigne ne peut lire votre avis.
feedback-until = Votre avis se lit jusqu’au { $date }.
feedback-of-month = Mes visites : { $month }
feedback-rating = Note : { $rating } sur 5
# Proof: what_she_says_comes_back_with_a_backup_and_is_told_once_she_says_it_again
feedback-aside = Cet avis est revenu avec une sauvegarde : il n’est plus dit au magasin. Si vous le pensez toujours, écrivez-le de nouveau.
feedback-over = Le magasin l’a oublié : le temps convenu est passé.
feedback-take-back = Reprendre cet avis
feedback-subject = De quoi parlez-vous ?
feedback-mark = Votre note sur 5
feedback-no-mark = Pas de note
feedback-words = Vos mots
feedback-words-hint = Votre façon d’écrire peut vous trahir. N’y mettez pas votre nom.
feedback-say = Envoyer au prochain échange
feedback-bad = Une note ou quelques mots, une seule fois, et rien avant ce que vous avez permis.
feedback-many = Huit avis suffisent. Reprenez-en un pour en donner un autre.

## Souhaits

wishes-title = Souhaits
wishes-link = Vos souhaits
# Proof: a_shop_hears_the_kind_then_the_whole_and_forgets_it_when_she_does
wishes-lead = Dites ce que vous cherchez. Votre besace lit les offres pour vous, ici ; rien ne part tant que vous ne montrez pas un souhait.
wishes-empty = Aucun souhait pour l’instant.
wishes-nobody = Vous n’avez permis à aucune enseigne d’entendre vos souhaits.
wishes-heard = Vous avez permis d’entendre les souhaits que vous montrez à : { $retailers }.
wish-category = Genre de chose
wish-gtin = Code-barres
wish-price = Au plus
wish-until = Dernier jour
wish-hidden = Il reste ici. Votre besace le rapproche des offres qu’elle lit.
wish-unnamed = Il reste ici : sans genre de chose, il n’y a rien à dire à une enseigne.
wish-sensitive = Il reste ici : ce genre de chose ne se dit à aucune enseigne.
wish-over = Il reste ici : son dernier jour est passé.
wish-shown = Ces enseignes l’apprennent au prochain échange : le genre de chose, et l’ordre du prix.
wish-shown-nobody = Une enseigne l’apprendra dès que vous en permettrez une.
wish-show = Montrer
wish-hide = Garder pour moi
wish-remove = Oublier
wish-another = Dire un souhait
wish-text = Ce que vous cherchez
wish-no-category = Sans genre
wish-category-hint = C’est par là que les offres répondent.
wish-price-field = Au plus, en euros
wish-add = Noter
wish-bad = Il faut quelques mots, 200 signes au plus ; un prix s’écrit 90 ou 89,90, et le dernier jour n’est pas passé.

## Tickets de caisse

receipts-title = Tickets de caisse
receipts-link = Vos tickets de caisse
receipts-lead = Rapporter ou faire réparer sans le papier : le magasin retrouve le ticket que vous lui dites vôtre, par son numéro.
receipts-empty = Aucun ticket pour l’instant.
receipts-no-shop = Il faut d’abord connaître une enseigne.
receipt-shop = Magasin
receipt-number = Numéro
receipt-day = Jour
receipt-total = Payé
receipt-hers = Rien que pour vous.
receipt-told = { $retailer } peut savoir qu’il est à vous. Si quelqu’un y cherche ce ticket, vous le lisez dans « Accords ».
receipt-told-nobody = Rien que pour vous, tant que vous n’avez pas permis à l’enseigne de connaître vos tickets.
receipt-over = { $retailer } l’a oublié : le temps convenu est passé. Pour le redire, reprenez-le d’abord.
receipt-tell = Dire qu’il est à moi
receipt-untell = Reprendre
receipt-remove = Oublier
receipt-another = Garder un ticket
receipt-number-field = Numéro du ticket, tel qu’imprimé
receipt-total-field = Payé, en euros
receipt-label = Votre nom pour lui
receipt-label-hint = Personne d’autre ne le lit.
receipt-add = Garder
receipt-bad = Un numéro a 32 signes au plus, sans accent ; le jour n’est pas à venir ; un prix s’écrit 90 ou 89,90.
receipt-known = Ce ticket est déjà là.
receipt-many = Seize tickets par enseigne suffisent. Reprenez-en un pour en dire un autre.

## Ce qui part et ce qui vient

journal-line = { $what } · { $domain } · { $bytes ->
    [one] un octet
   *[other] { $number } octets
}
journal-asked = { $what } · demandé à { $domain }
journal-stopped = { $what } · pour { $domain }
kind-manifest = la carte de visite d’une enseigne
kind-requests = les demandes d’une enseigne
kind-notice = une notice
kind-catalogue = un catalogue d’offres
kind-log = le registre d’une enseigne
kind-grant = un accord
kind-withdrawal = un arrêt
kind-erasure = la signature que ce qui était gardé est effacé
kind-objection = votre refus des offres d’une enseigne, ou son retrait
kind-release = les clés d’un jour
kind-disclosure = ce que vous avez permis de dire
kind-grant-stopped = un accord, arrêté avant de partir
kind-release-stopped = les clés d’un jour, arrêtées avant de partir
kind-disclosure-stopped = ce que vous avez permis de dire, arrêté avant de partir
kind-grant-cut = un accord, coupé en chemin : il a pu arriver
kind-release-cut = les clés d’un jour, coupées en chemin : elles ont pu arriver
kind-disclosure-cut = ce que vous avez permis de dire, coupé en chemin : cela a pu arriver
kind-mailbox = le courrier
kind-acknowledgement = un accusé de réception
kind-continuation = l’annonce de votre nouveau registre
kind-last-head = ce qu’une enseigne retient de votre registre

## Qui vous a reconnu

looked-up-recognised = { $moment }, { $retailer } ({ $shop }) a su que vous entriez. Vous l’aviez permis le { $date } ; en voici la preuve.
looked-up-greeted = { $moment }, { $retailer } ({ $shop }) a lu le nom que vous aviez choisi. Vous l’aviez permis le { $date } ; en voici la preuve.
looked-up-identified = { $moment }, { $retailer } ({ $shop }) a reconnu votre besace à la caisse. Vous l’aviez permis le { $date } ; en voici la preuve.
looked-up-debited = { $moment }, { $retailer } ({ $shop }) a pris à la caisse ce que vous aviez accepté. Vous l’aviez permis le { $date } ; en voici la preuve.
looked-up-receipt = { $moment }, { $retailer } ({ $shop }) a reconnu un de vos tickets de caisse. Vous l’aviez permis le { $date } ; en voici la preuve.
looked-up-wish = { $moment }, { $retailer } ({ $shop }) a accepté un de vos souhaits. Vous l’aviez permis le { $date } ; en voici la preuve.
log-forked = { $retailer } a signé deux histoires différentes dans son registre. Depuis le { $date }, votre besace ne lui confie plus rien. Les deux versions signées sont gardées : montrez-les à qui vérifie.
pilot-without-witnesses = Pilote sans témoins : personne d’autre ne vérifie encore qu’une enseigne montre à tous le même registre.
log-knew-less = Le { $date }, { $retailer } a commencé un autre registre. De celui d’avant, l’enseigne disait connaître { $known } écritures, et elle vous en avait montré { $shown }. Ce qu’elle vous avait montré est gardé.
log-waits = Le registre de { $retailer } n’a pas encore pu être comparé à ce que l’enseigne en a montré. D’ici là, votre besace ne lui confie rien de nouveau.
looked-up-missing = { $retailer } a compté { $counted ->
    [one] une lecture
   *[other] { $counted } lectures
} et ne vous en a montré { $opened ->
    [0] aucune
    [one] qu’une
   *[other] que { $opened }
}. Son décompte signé est gardé : montrez-le à qui vérifie.
looked-up-other = { $retailer } a signé un décompte { $counted ->
    [one] d’une lecture
   *[other] de { $counted } lectures
} qui ne correspond pas à ce qu’elle vous a montré. Ce décompte signé est gardé : montrez-le à qui vérifie.

## At the till

till-title = À la caisse
till-link = À la caisse
till-link-why = Un code qui change, plutôt qu’un numéro
till-accounts = Montrer votre besace
till-no-account = Aucune enseigne n’a encore votre accord pour vous reconnaître à la caisse.
till-show = Montrer le code
# A presentation is no debit and has no way to one. Proof: a_presentation_counts_once_in_all_tills_and_takes_nothing
till-shown-hint = Ce code change toutes les trente secondes et ne sert qu’une fois. Il dit que c’est vous ; il ne peut rien prendre.
till-qr = Code QR pour la caisse de { $retailer }
till-as-text = Le code en toutes lettres
till-codes-link = Des codes à dicter, ou à imprimer
till-scan-title = Répondre à la caisse
till-scan-lead = La caisse montre un code : collez-le ici. Vous verrez qui demande et combien, avant de répondre.
till-scan-label = Le code de la caisse
till-scan-read = Lire la demande
till-ask-who = { $retailer }, à { $shop }, demande si c’est vous. Rien ne sera pris.
till-ask-amount = { $retailer }, à { $shop }, demande { $amount }. Si vous dites oui, votre besace signe ce montant et aucun autre.
till-ask-until = La demande vaut jusqu’à { $time }.
till-answered-hint = Montrez ce code à la caisse. Il dit que c’est vous, et rien n’est pris.
till-debited-hint = Montrez ce code à la caisse. Il vaut pour { $amount }, une fois, à cette caisse.
till-codes-title = Vos codes du jour
till-codes-lead = Le { $date }, chacun sert une fois. Ils disent que c’est vous ; ils ne peuvent rien prendre.
till-refused-form = Ce n’est pas un code de caisse, ou il en manque un morceau. Copiez-le en entier, puis réessayez.
till-refused-expired = Cette demande a plus d’une minute. Demandez à la caisse d’en montrer une autre.
till-refused-clock = Cette demande vient du futur : l’horloge de la caisse ou la vôtre se trompe. Rien n’a été signé.
till-refused-till = Aucune caisse d’une enseigne que vous connaissez n’a signé cette demande. Rien n’a été signé.
till-refused-grant = Cette caisse est bien celle d’une enseigne que vous connaissez. Elle n’a pas votre accord pour vous reconnaître.
kind-till-answer = une réponse montrée à la caisse
kind-till-debit = un montant signé à la caisse

## Vouchers

voucher-title = Bons
voucher-link = Vos bons
voucher-link-why = Une remise, sans dire qui vous êtes
voucher-empty-title = Aucun bon pour l’instant
voucher-empty = Votre besace en demande chaque semaine aux enseignes qui en donnent, les mêmes pour tout le monde.
voucher-left = { $count ->
    [one] un bon
   *[other] { $count } bons
}
voucher-minimum = À partir de { $amount } d’achats
voucher-told = Cette année, en bits : { $told } appris de vos bons ; votre besace s’arrête à { $budget }.
# Proof: no_byte_of_the_store_joins_an_issuance_with_a_redemption
shop-learns = À la caisse, ce bon ne dit que « { $benefit } ». Ni qui vous êtes, ni pourquoi il vous plaît. Votre carte bancaire, elle, est plus bavarde.
voucher-bits = Pour { $retailer }, en bits : { $bits }, soit au plus { $questions ->
    [one] une question
   *[other] { $questions } questions
} par oui ou par non.
voucher-no-bits = Pour { $retailer }, en bits : 0. Tous les bons du moment se ressemblent.
voucher-links = Un autre bon vient d’être montré ici. Si vous montrez celui-ci, { $retailer } saura que les deux viennent de la même personne.
voucher-budget = Ce bon en dirait plus que le budget de l’année. Il reste dans votre besace ; les bons les plus courants servent toujours.
voucher-show = Montrer
voucher-later = Plus tard
voucher-qr = Code QR du bon : { $benefit }
voucher-used = La caisse l’a pris
voucher-kept = Je l’ai encore
kind-voucher-keys = les clés des bons d’une semaine
kind-vouchers = des bons, les mêmes pour tout le monde

## Le double de la clé

# Proof: the_one_who_lost_both_is_told_and_opens_nothing
recovery-kit = Ces mots sont le double de votre clé. Imprimez-les, rangez-les hors de chez vous : qui les trouve peut ouvrir. Si toutes vos clés se perdent, personne ne pourra rouvrir, pas même nous.
kit-sheet-title = Kit de secours de votre besace
kit-sheet-code = Les mêmes mots, en code QR
kit-sheet-how-title = Pour rouvrir avec ce papier
kit-sheet-how = Sur la page d’ouverture, suivez « J’ai perdu ma phrase secrète » et tapez les quinze mots. Dans un terminal : besace key change-passphrase --with-kit
kit-sheet-typing = Majuscules et accents importent peu. Le code QR dit la même chose : son texte se colle à la place des mots.
kit-sheet-made = Fait le
kit-sheet-vault = Besace
kit-title = Votre kit de secours
kit-none = Vous n’avez pas encore de kit de secours. Sans lui, une phrase secrète oubliée ferme votre besace pour toujours.
kit-how = Votre besace tire quinze mots au sort. Vous les mettez sur papier, puis vous les tapez une fois, pour être en paix.
kit-make = Faire un kit
kit-later = Plus tard
kit-have-words = J’ai déjà mes mots sur papier
kit-is-proven = Votre kit ouvre votre besace : vous l’avez prouvé. Gardez-le hors de chez vous.
kit-make-another = Ce papier est perdu, ou quelqu’un l’a vu ? Faites un autre kit, puis retirez l’ancien de vos clés.
kit-go-on = Entrer
kit-print = Imprimez cette page, ou recopiez les quinze mots. Ils ne seront plus montrés.
kit-on-paper = Mes mots sont sur papier
kit-proof-title = Vos quinze mots
kit-proof-lead = Tapez-les depuis votre papier, dans l’ordre. Le kit compte à partir de là.
kit-words-label = Les quinze mots
kit-check = Vérifier
kit-wrong-count = Il faut quinze mots ; en voici { $count }.
kit-wrong-word = Le mot numéro { $count } n’est pas de la liste. Comparez-le avec votre papier.
kit-wrong-checksum = Ces mots ne vont pas ensemble : l’un est un autre, ou deux ont changé de place.
kit-wrong-code = Ce n’est pas un kit de secours, ou il est abîmé.
kit-is-another = Ces mots sont ceux d’un autre kit. Prenez votre papier le plus récent.
kit-too-many = Il y a déjà quatre kits. Retirez-en un de vos clés, puis recommencez.
kit-lost-link = J’ai perdu ma phrase secrète
kit-lost-title = Ouvrir avec votre kit
kit-lost-lead = Tapez les quinze mots de votre papier, puis choisissez une nouvelle phrase secrète.
kit-opens-nothing = Ces mots n’ouvrent pas cette besace.
# Proof: the_one_who_lost_both_is_told_and_opens_nothing
both-lost = Cherchez un papier plus récent, ou votre phrase secrète. Si les deux sont perdus, personne ne peut rouvrir cette besace, pas même nous.

## Les clés

keys-title = Vos clés
keys-lead = Chacune ouvre votre besace à elle seule.
keys-list = Ce qui ouvre
key-passphrase = Phrase secrète
key-kit = Kit de secours
key-kit-unproven = Kit de secours, pas encore tapé
key-device = Clé d’un appareil
key-made = Depuis le { $date }
key-made-long-ago = Depuis longtemps
key-remove = Retirer
key-remove-title = Retirer cette clé
key-older-copies = Les copies plus anciennes de votre besace s’ouvrent encore avec l’ancienne clé. Si quelqu’un d’autre peut en avoir une, dans un terminal :
key-last = C’est la dernière clé que vous gardez vous-même : elle reste.
key-device-how = Un appareil à vous peut ouvrir par un fichier. Dans un terminal :
passphrase-change = Changer de phrase secrète
passphrase-changed = C’est changé. L’ancienne phrase n’ouvre plus votre besace.
passphrase-present = Phrase secrète actuelle
passphrase-new = Nouvelle phrase secrète
passphrase-again = La même, encore une fois
passphrase-differs = Les deux nouvelles phrases diffèrent. Recommencez.
passphrase-empty = La nouvelle phrase est vide.
passphrase-weak = Cette phrase est de celles qu’on essaie d’abord : elle est courte, ou se répète. Ajoutez-lui deux ou trois mots.
passphrase-weak-anyway = Je la garde quand même

## Sauvegardes

backup-title = Sauvegardes
backup-lead = Une copie chiffrée de toute votre besace, faite chaque jour tant qu’elle est ouverte. Fermée à clé, elle n’en fait pas.
backup-running = C’est en cours, et cela peut durer.
backup-in-progress = Une sauvegarde est déjà en cours. Recommencez quand elle sera finie.
backup-look-again = Regarder où cela en est
backup-made = La sauvegarde est faite. Elle a été relue jusqu’au bout.
backup-rehearsed-now = L’essai a réussi : { $rows } lignes revenues et comparées. Rien n’a été remplacé.
backup-nothing-there = Il n’y a encore rien à restaurer là-bas. Faites d’abord une sauvegarde.
backup-failed-now = Cela n’a pas réussi : { $why }. Ce qui était là-bas y est toujours.
backup-failed = Échec le { $moment } : { $why }.
backup-why-unreachable = le lieu ne répond pas, ou n’est pas branché
backup-why-denied = le lieu refuse l’accès
backup-why-full = la place manque
backup-why-unsound = ce qui est revenu n’est pas ce qui avait été écrit
backup-why-strange = le lieu donne une réponse que Besace ne comprend pas
backup-why-machine = cette machine a eu une panne
backup-places = Où elles vont
backup-nowhere = Nulle part encore. Si cette machine se perd ou se casse, tout ce que garde votre besace est perdu.
backup-kind-folder = Dossier
backup-kind-s3 = Serveur S3
backup-last-label = La dernière
backup-last = { $moment }, { $size }
backup-moment = { $date } à { $time }
backup-none-yet = Aucune encore
backup-rehearsed-label = Essayée
backup-rehearsed-never = Jamais encore
backup-next-label = La prochaine
backup-soon = Dans un instant
backup-keep-label = Gardées
backup-keep = { $count ->
    [one] la dernière
   *[other] les { $count } dernières
}
backup-now = Sauvegarder maintenant
backup-rehearse = Essayer de restaurer
backup-rehearse-hint = Un essai fait revenir la plus récente, l’ouvre et la compare. Rien n’en est gardé.
backup-forget = Ne plus sauvegarder là
backup-forget-hint = Ce qui s’y trouve y reste.
backup-add = Un lieu de plus
backup-add-button = Ajouter ce lieu
backup-folder-label = Un dossier
backup-folder-hint = Son chemin entier, tel que cette machine le voit. Il existe déjà, de préférence sur un autre disque.
backup-name-label = Le nom que vous lui donnez
backup-name-hint = Lettres sans accent, chiffres, points et tirets.
backup-name-folder = disque
backup-s3 = Ou un serveur S3
backup-s3-endpoint = Adresse du serveur
backup-s3-bucket = Compartiment (bucket)
backup-s3-prefix = Début des noms, si vous en voulez un
backup-s3-region = Région
backup-s3-access-key = Nom de la clé
backup-s3-secret-key = Clé secrète
backup-no-folder = Ce dossier n’existe pas, ou votre besace ne peut pas l’ouvrir. Branchez son disque, puis recommencez.
backup-beside = Ce dossier est celui de votre besace : ce qui perdrait l’une perdrait l’autre. Choisissez un autre disque.
backup-taken = Un lieu porte déjà ce nom, ou il y en a déjà huit.
backup-name-refused = Ce nom ne va pas. Prenez des lettres sans accent, des chiffres, des points et des tirets.
backup-s3-address = Écrivez l’adresse ainsi : { $example }, et rien après.
backup-s3-plain = Sans https, ce serveur doit être chez vous, sur votre réseau.
backup-s3-names = Le compartiment, le début des noms, la région et la clé s’écrivent sans accent ni espace.
backup-take = En emporter une
backup-take-lead = Deux fichiers, à garder ensemble : la sauvegarde, et les serrures que votre phrase secrète ouvre.
backup-take-kit = Avec votre kit de secours, la sauvegarde seule suffit.
backup-take-file = La sauvegarde
backup-take-slots = Ses serrures
today-backup-nowhere = Votre besace n’est copiée nulle part. Choisissez où.
today-backup-none-yet = Votre besace n’a pas encore de sauvegarde.
today-backup-old = La dernière sauvegarde de votre besace a plus d’une semaine.
today-backup-failed = La dernière sauvegarde de votre besace n’a pas réussi.
size-gigabytes = { $number } Go
size-megabytes = { $number } Mo
size-kilobytes = { $number } ko

## Revenue en arrière

went-back-title = Votre besace a reculé dans le temps
went-back-link = Lire et choisir
went-back-older = Elle est plus ancienne que la dernière fois qu’elle a servi ici.
went-back-elsewhere = Elle a changé ailleurs, ou bien une copie a été remise à sa place, puis a servi.
went-back-mixed = Elle est faite de deux moments : quelqu’un y a remis une page ancienne.
went-back-mark-missing = Sa marque n’est pas ici : c’est une autre machine, ou la marque a été retirée.
went-back-mark-foreign = Ce qui tient lieu de marque n’est pas la sienne.
went-back-mark-older = Sa marque est plus ancienne qu’elle : quelqu’un a remis une marque d’avant.
went-back-retailer = Une enseigne sait de vous quelque chose de plus récent que votre besace.
went-back-missing-label = Il manque
went-back-changes = { $count ->
    [one] un changement
   *[other] { $number } changements
}
went-back-known-label = Dernier état connu
went-back-here-label = Ce qui est là
went-back-lead = Vous pouvez tout lire. Rien n’est écrit ni envoyé tant que vous n’avez pas choisi.
went-back-why = Cela arrive après un changement de machine, ou quand un programme remet une ancienne copie. Cela arrive aussi quand quelqu’un y touche.
went-back-restore = Restaurer une sauvegarde
went-back-restore-lead = Une sauvegarde plus récente rend ce qui manque, jusqu’à son jour.
went-back-backups = Voir les sauvegardes
went-back-step-stop = Arrêtez votre besace sur cette machine.
went-back-step-aside = Mettez son dossier de côté, sans le détruire :
went-back-step-start = Redémarrez-la : sa première page propose de restaurer.
went-back-restore-how = Ou, dans un terminal, dans un autre dossier :
went-back-go-on = Continuer avec ce qui est là
went-back-go-on-lead = Ce qui manque reste perdu. Un accord que vous aviez arrêté peut être revenu : relisez ensuite vos accords. Chaque enseigne apprendra que votre registre repart de zéro.
went-back-go-on-link = Continuer sans ce qui manque
went-back-read = J’ai lu ce qui manque, et je m’en passe.
went-back-unread = Cochez d’abord que vous avez lu ce qui manque.

## Le premier jour

start-title = Bienvenue
start-code-lead = Cette machine n’a pas encore de besace. Le programme qui vous répond a affiché un code en démarrant : tapez-le ici.
start-code-hint = Il s’affiche dans le terminal, ou dans le journal du programme. Qui ne le voit pas ne peut pas prendre votre place.
start-code-label = Le code
start-code-button = Continuer
start-code-wrong = Ce n’est pas ce code. { $count ->
    [one] Il reste un essai.
   *[other] Il reste { $count } essais.
}
start-code-spent = Cette machine n’a pas encore de besace, et le code de démarrage ne sert plus. Arrêtez le programme et relancez-le : il en affichera un autre.
start-choose = Votre besace
start-restore = Restaurer une sauvegarde
start-restore-hint = Tout revient tel que ce jour-là.
start-new = Une besace neuve
start-new-hint = Une phrase secrète, puis un kit de secours sur papier.
start-new-lead = Choisissez une phrase secrète. Quatre ou cinq mots tirés au hasard valent mieux qu’un seul mot compliqué.
# Proof: the_one_who_lost_both_is_told_and_opens_nothing
start-new-lost = Vous ferez ensuite un kit de secours. Si la phrase et le kit se perdent, personne ne pourra rouvrir, pas même nous.
start-create = Faire ma besace
start-restore-lead = Choisissez la sauvegarde, et ses serrures si c’est votre phrase secrète qui l’ouvre.
start-restore-file = La sauvegarde : un fichier .age
start-restore-slots = Ses serrures : un fichier .slots.json
start-restore-slots-hint = Avec votre kit de secours, la sauvegarde seule suffit.
start-restore-button = Continuer
start-restore-limit = Jusqu’à 2 Go ici. Au-delà, dans un terminal :
start-another-file = Choisir un autre fichier
start-open = Ouvrir la sauvegarde
start-open-lead = Tapez la phrase secrète qui servait alors. Elle restera la vôtre.
start-open-button = Restaurer
start-open-kit = J’ai mon kit de secours
start-open-passphrase = J’ai ma phrase secrète et les serrures
restore-nothing = Choisissez d’abord le fichier de la sauvegarde.
restore-not-backup = Ce fichier n’est pas une sauvegarde de besace, ou il a été changé. Rien n’a été mis en place.
restore-slots-broken = Le second fichier ne contient pas les serrures, ou il est abîmé. Choisissez-en un autre, ou laissez-le : votre kit de secours suffit.
restore-slots-missing = Il y a déjà ici un fichier de besace, sans ses serrures. Remettez vault.slots.json à côté, puis relancez le programme.
restore-wrong-passphrase = Cette phrase n’ouvre pas cette sauvegarde. Prenez celle qui servait quand elle a été faite.
restore-wrong-kit = Ces mots n’ouvrent pas cette sauvegarde. Elle est peut-être d’avant ce kit, ou d’une autre besace.
restore-other-seal = Ce fichier a été scellé autrement. Prenez la commande besace restore.
restore-stranger = Cette sauvegarde ne vient pas de la besace dont elle porte le nom. Rien n’a été mis en place.
restore-newer = Un programme plus récent a écrit cette sauvegarde. Restaurez-la avec lui.
restore-broken = Cette sauvegarde est coupée ou abîmée. Rien n’a été mis en place ; essayez-en une autre.
restore-busy = Cette machine n’a pas assez de mémoire en ce moment. Fermez d’autres programmes, puis réessayez.
restored-title = Votre besace est de retour
restored-lead = Elle est telle qu’elle était le { $moment }. Ce qui est venu après n’y est pas.
restored-logs = Chaque enseigne apprendra que votre registre repart de zéro. Relisez vos accords : ce que vous aviez arrêté après ce jour est revenu. Souhaits et tickets de caisse restent chez vous jusqu’à ce que vous les montriez de nouveau.
restored-cards = Cartes
restored-wishes = Souhaits
restored-retailers = Enseignes
restored-grants = Accords
restored-vouchers = Bons
restored-fixes = Positions
restored-rows = Lignes en tout

## Règles

mandates-title = Vos mandats
mandates-lead = Un proche ou une association peut refuser, resserrer et retirer pour vous. Jamais accepter, ni voir vos lieux, ni emporter vos données.
mandates-empty = Vous n’avez donné aucun mandat.
mandates-link = Vos mandats : qui peut dire non pour vous
mandate-title = { $name }, depuis le { $date }
mandate-name-of-it = Nom du mandat, à lui donner
mandate-may = Ce qui est permis
mandate-until = Jusqu’au
mandate-seen = Dernier appel
mandate-withdrawn = Vous l’avez retiré le { $date }.
mandate-over = Il est arrivé à son terme le { $date }.
mandate-set-aside = Ce mandat revient d’une sauvegarde. Il ne compte qu’une fois confirmé à nouveau.
mandate-act-refuse = refuser
mandate-act-withdraw = retirer un accord
mandate-act-narrow = resserrer une règle
mandate-act-rules = écrire des règles qui refusent
mandate-tick-refuse = Refuser une demande
mandate-tick-withdraw = Retirer un accord
mandate-tick-narrow = Resserrer une règle
mandate-tick-rules = Écrire des règles qui refusent
mandate-refused = Une demande a été refusée le { $date }.
mandate-stopped = Un accord a été retiré le { $date }.
mandate-narrowed = La règle { $number } a été resserrée le { $date }.
mandate-wrote = La règle { $number }, qui refuse, a été écrite le { $date }.
mandate-undone = Vous l’avez défait le { $date }.
mandate-undo = Défaire
mandate-by = C’est { $name } qui l’a fait, sous votre mandat du { $date }.
mandate-add = Un mandat de plus
mandate-name = Comment vous l’appelez
mandate-key = Sa clé
mandate-key-hint = Celle que montre la commande « besace delegate key » chez cette personne.
mandate-days = Pour combien de jours, 396 au plus
mandate-give = Donner ce mandat
mandate-bad = Ce mandat ne peut pas être donné. Il faut un nom, la clé entière, au moins une chose permise, et de 1 à 396 jours.
mandate-many = Vous avez seize mandats : retirez-en un.
rules-title = Vos règles
rules-lead = Ce que vous décidez ici vaut pour les demandes à venir. Ce qui dépasse vos règles vous est demandé.
rules-empty = Vous n’avez pas de règle : tout vous est demandé.
rules-link = Vos règles : décider une fois pour plusieurs demandes
rule-title = Règle { $number }, confirmée le { $date }
rule-set-aside = Cette règle revient d’une sauvegarde. Elle ne compte qu’une fois confirmée à nouveau.
rule-ended = Elle ne vaut plus depuis le { $date } : confirmez-la, ou retirez-la.
rule-holds = Vaut jusqu’au
rule-retailer = Pour quelle enseigne
rule-retailer-all = toutes
rule-verdict = Votre réponse
rule-give = oui, dans ces limites
rule-refuse = non
rule-a-day = Combien de fois par jour, au plus
rule-kept = Combien de jours c’est gardé, au plus
rule-valid = Combien de jours l’accord dure, au plus
rule-shops = Dans quelles boutiques
rule-shops-hint = Leurs codes, tels que 00000001 ; rien pour toutes. Avec des codes, choisissez l’enseigne.
rule-shops-all = toutes celles qui le demandent
rule-least = En échange, au moins
rule-least-none = le service lui-même
rule-least-welcome = une somme de bienvenue
rule-least-monthly = une somme par mois
rule-least-amount = Combien, en euros
rule-less = Si l’on demande plus, proposer ce qui reste dans ces limites.
rule-else = Si l’on demande plus
rule-else-less = votre besace propose moins
rule-else-ask = vous répondez vous-même
rule-mirror = Ce qu’on en devinerait
rule-mirror-none = Chez { $retailer }, rien n’est montré ni donné : personne ne sait dire ce qu’on pourrait en deviner.
rule-mirror-later = Vous n’avez encore rencontré aucune enseigne que cette règle concerne. Ce qu’elle devinerait se lira ici.
rule-add = Une règle de plus
rule-confirm = Confirmer cette règle
rule-again = Confirmer de nouveau
rule-remove = Retirer
rule-bad = Cette règle ne dit rien que l’on puisse demander. Au plus 1440 fois par jour, 30 jours gardés, 396 jours accordés.
rule-bad-shops = Des boutiques sont celles d’une seule enseigne : choisissez-la.
rule-many = Vous avez soixante-quatre règles : retirez-en une.
counter-answers = { $retailer } répond à ce que votre besace a proposé. Cela tient jusqu’au { $date }.
rule-given-by = Accepté
rule-accepted = acceptée par votre règle { $number } du { $date }
rule-refused = Refusée par votre règle { $number } du { $date }.
rule-beyond = Cela va plus loin que votre règle { $number } du { $date } : { $what }.
beyond-base-benefit = ce qui en dépend d’autre
beyond-benefit = ce que vous recevez
beyond-categories = ce qui est dit de vous
beyond-frequency = combien de fois par jour
beyond-lookback = jusqu’où remonter
beyond-purpose = pour quoi faire
beyond-recipients = qui d’autre reçoit
beyond-ahead = combien de jours d’avance
beyond-retention = le temps de conservation
beyond-scope = sous quel nom
beyond-shops = les boutiques
beyond-validity = la durée

## Repartir à neuf

afresh-link = Repartir à neuf
afresh-title = Repartir à neuf avec { $retailer }
# Proof: nothing_but_active_is_live
afresh-ends = Tout ce que vous permettez à { $retailer } s’arrête à l’instant, que l’enseigne réponde ou non. Plus rien ne part sous l’ancienne clé.
afresh-lost = Vous perdez ce qui tient à l’ancienne clé chez { $retailer } : points, paliers, cagnotte, avantages promis contre un accord. Rien n’en passe à la nouvelle.
# Proof: what_a_shop_has_of_who_she_was_and_of_who_she_is_shares_nothing
afresh-kept = Les bons déjà rangés dans votre besace restent bons : ils ne tiennent à personne. Ce que vous avez refusé le reste, et { $retailer } l’ignore.
# Proof: nobody_new_is_heard_of_before_the_moment_that_was_drawn
afresh-wait = Ensuite, silence : entre un et sept jours, tirés au sort. Après cela, { $retailer } peut vous redemander, et vous pouvez dire oui sous une clé neuve.
afresh-links = { $retailer } ne pourra relier l’ancienne et la nouvelle que par ce que vous lui montrez. La même carte, au paiement ou de fidélité ; votre visage ou votre nom ; la même adresse sur le réseau.
afresh-erased = L’ancienne clé ne sert plus qu’à dire l’arrêt et à recevoir la signature que tout est effacé.
afresh-nobody = { $retailer } ne connaît encore personne sous une clé de votre besace : il n’y a rien à quitter.
afresh-too-soon = Le dernier nouveau départ avec { $retailer } est trop récent : à force de recommencer, on se fait reconnaître. Ce sera possible à partir du { $date }. Arrêter reste possible à tout moment.
afresh-waiting = Pour { $retailer }, votre besace n’existe plus. Elle ne s’y présentera pas avant le { $date }.
afresh-go = Repartir à neuf
