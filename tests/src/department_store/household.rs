//! What Maison Lumen sells on its upper floors: kitchen, home, electronics, books, games, food, garden.

use besace_protocol::offer::Category as C;

use super::Family;

const KITCHEN: &[&str] =
    &["Fonte & Flamme", "La Marmite", "Rive Gauche", "Cuivre Clair", "Tournebroche"];
const LINEN: &[&str] = &["Lin des Flandres", "Maison Verveine", "Nuit Blanche", "Coton d'Arcy"];
const HOUSE: &[&str] = &["Hêtre & Co", "Atelier Brume", "Clair Logis", "Rive Gauche"];
const SOUND: &[&str] = &["Diapason", "Onde Claire", "Sourdine", "Halo Audio"];
const PRESS: &[&str] = &["Éditions du Phare", "Le Grenier", "Plein Vent", "La Passerelle"];

pub(super) const FAMILIES: [Family; 20] = [
    Family {
        category: C::KitchenCookware,
        fr: "Cocotte",
        en: "casserole",
        euros: (59, 289),
        makers: KITCHEN,
        details: [
            (
                "Fonte émaillée, tous feux et induction.",
                "Enamelled cast iron, every hob and induction.",
            ),
            ("Couvercle à picots qui arrose le plat.", "Spiked lid that bastes the dish."),
            ("Contenance de 4,7 litres, pour six.", "4.7 litres, serves six."),
            ("Garantie trente ans.", "Thirty-year guarantee."),
        ],
    },
    Family {
        category: C::KitchenKnives,
        fr: "Couteau de cuisine",
        en: "kitchen knife",
        euros: (25, 169),
        makers: &["Thiers Mérite", "Lame d'Août", "Fonte & Flamme", "Tournebroche"],
        details: [
            ("Acier forgé à Thiers, dureté 58 HRC.", "Steel forged in Thiers, 58 HRC."),
            ("Manche de noyer à trois rivets.", "Walnut handle with three rivets."),
            ("Lame de 18 cm qui reprend le fil au fusil.", "18 cm blade that sharpens on a steel."),
            ("Affûtage offert la première année.", "Free sharpening for the first year."),
        ],
    },
    Family {
        category: C::KitchenTableware,
        fr: "Service d'assiettes",
        en: "plate set",
        euros: (39, 199),
        makers: KITCHEN,
        details: [
            ("Grès de Bourgogne, émail mat.", "Burgundy stoneware, matt glaze."),
            (
                "Douze pièces, pour le four et le lave-vaisselle.",
                "Twelve pieces, oven and dishwasher safe.",
            ),
            ("Pièces vendues aussi à l'unité.", "Pieces also sold singly."),
            ("Bord relevé pour les sauces.", "Raised rim for sauces."),
        ],
    },
    Family {
        category: C::KitchenCoffee,
        fr: "Cafetière",
        en: "coffee maker",
        euros: (29, 189),
        makers: &["Rive Gauche", "Grain Noir", "Cuivre Clair", "La Marmite"],
        details: [
            ("Piston double filtre, huit tasses.", "Double-filter plunger, eight cups."),
            ("Verre borosilicate, poignée froide.", "Borosilicate glass, cool handle."),
            (
                "Porte-filtre de céramique et verseuse isolante.",
                "Ceramic dripper and insulated jug.",
            ),
            ("Se démonte sans outil pour le lavage.", "Comes apart without tools for washing."),
        ],
    },
    Family {
        category: C::KitchenSmallAppliances,
        fr: "Robot mixeur",
        en: "food blender",
        euros: (59, 349),
        makers: &["Rive Gauche", "Tournebroche", "Clair Logis", "Volta"],
        details: [
            ("Moteur de 900 W, garanti dix ans.", "900 W motor, ten-year guarantee."),
            ("Bol de verre d'un litre et demi.", "One and a half litre glass bowl."),
            ("Pièces détachées tenues quinze ans.", "Spare parts kept for fifteen years."),
            ("Moins de 70 décibels à pleine vitesse.", "Under 70 decibels at full speed."),
        ],
    },
    Family {
        category: C::HomeBedding,
        fr: "Parure de lit",
        en: "bed linen set",
        euros: (59, 249),
        makers: LINEN,
        details: [
            ("Lin lavé, cultivé en Normandie.", "Washed linen grown in Normandy."),
            ("Housse de 240 par 220 et deux taies.", "240 by 220 cover and two pillowcases."),
            ("Frais en été, doux en hiver.", "Cool in summer, soft in winter."),
            ("Sèche vite et se passe de fer.", "Dries fast and needs no ironing."),
        ],
    },
    Family {
        category: C::HomeBathroom,
        fr: "Drap de bain",
        en: "bath towel",
        euros: (15, 69),
        makers: LINEN,
        details: [
            ("Coton bouclé de 550 grammes au mètre.", "Looped cotton, 550 grams to the metre."),
            ("Très absorbant, ne peluche pas.", "Very absorbent, sheds no lint."),
            ("Large de 100 cm, liteau tissé.", "100 cm wide with a woven border."),
            ("Huit teintes qui tiennent à 60 degrés.", "Eight colours fast at 60 degrees."),
        ],
    },
    Family {
        category: C::HomeLighting,
        fr: "Lampe",
        en: "lamp",
        euros: (35, 289),
        makers: HOUSE,
        details: [
            ("Abat-jour de papier plié à la main.", "Hand-folded paper shade."),
            ("Variateur au toucher, lumière chaude.", "Touch dimmer, warm light."),
            ("Pied de hêtre français huilé.", "Oiled French beech base."),
            ("Câble tissé de deux mètres.", "Two-metre woven cable."),
        ],
    },
    Family {
        category: C::HomeFurniture,
        fr: "Fauteuil",
        en: "armchair",
        euros: (189, 899),
        makers: HOUSE,
        details: [
            ("Structure de hêtre massif, assise suspendue.", "Solid beech frame, sprung seat."),
            ("Housse déhoussable en velours côtelé.", "Removable corduroy cover."),
            ("Livré monté dans nos trois villes.", "Delivered assembled in our three cities."),
            ("Mousse dense, soutien des reins.", "Dense foam, lower back support."),
        ],
    },
    Family {
        category: C::HomeDecoration,
        fr: "Vase",
        en: "vase",
        euros: (19, 139),
        makers: HOUSE,
        details: [
            (
                "Verre soufflé, chaque pièce diffère un peu.",
                "Blown glass, each piece a little different.",
            ),
            ("Hauteur de 28 cm, col étroit.", "28 cm high, narrow neck."),
            ("Terre cuite émaillée à l'intérieur.", "Terracotta glazed on the inside."),
            ("Emballé sans plastique.", "Packed without plastic."),
        ],
    },
    Family {
        category: C::ElectronicsAudio,
        fr: "Casque audio",
        en: "headphones",
        euros: (49, 349),
        makers: SOUND,
        details: [
            (
                "Réduction de bruit, trente heures d'écoute.",
                "Noise reduction, thirty hours of listening.",
            ),
            ("Coussinets et batterie remplaçables.", "Replaceable pads and battery."),
            ("Repliable, 240 grammes.", "Foldable, 240 grams."),
            ("Deux appareils connectés à la fois.", "Two devices connected at once."),
        ],
    },
    Family {
        category: C::ElectronicsPhoto,
        fr: "Trépied photo",
        en: "camera tripod",
        euros: (39, 259),
        makers: &["Chambre Claire", "Altamont", "Optique du Parc", "Halo"],
        details: [
            ("Carbone, 1,2 kg, supporte 8 kg.", "Carbon, 1.2 kg, carries 8 kg."),
            ("Rotule à niveau et plateau rapide.", "Ball head with level and quick plate."),
            ("Replié, tient dans un sac de 40 cm.", "Folds into a 40 cm bag."),
            ("Pieds de caoutchouc et pointes pour la neige.", "Rubber feet and spikes for snow."),
        ],
    },
    Family {
        category: C::ElectronicsComputing,
        fr: "Clavier",
        en: "keyboard",
        euros: (35, 189),
        makers: &["Touche Juste", "Halo", "Azur Micro", "Volta"],
        details: [
            ("Disposition française de la norme 2019.", "French layout of the 2019 standard."),
            ("Touches remplaçables, frappe feutrée.", "Replaceable switches, quiet keys."),
            (
                "Par câble ou sans fil, batterie de trois mois.",
                "Wired or wireless, three-month battery.",
            ),
            ("Repose-poignets de liège.", "Cork wrist rest."),
        ],
    },
    Family {
        category: C::BooksFiction,
        fr: "Coffret de romans",
        en: "boxed set of novels",
        euros: (12, 49),
        makers: PRESS,
        details: [
            ("Trois volumes reliés, papier de Savoie.", "Three bound volumes, Savoy paper."),
            ("Traduction nouvelle et préface inédite.", "New translation and unpublished preface."),
            ("Choisi par nos libraires de Lille.", "Chosen by our booksellers in Lille."),
            ("Édition numérotée.", "Numbered edition."),
        ],
    },
    Family {
        category: C::BooksTravel,
        fr: "Guide de voyage",
        en: "travel guide",
        euros: (9, 35),
        makers: PRESS,
        details: [
            ("Douze itinéraires à pied avec cartes.", "Twelve walks with maps."),
            ("Adresses visitées cette année.", "Addresses visited this year."),
            ("Grande carte pliée, détachable.", "Large folded map, detachable."),
            ("Plans des gares et des bus.", "Station and bus plans."),
        ],
    },
    Family {
        category: C::BooksStationery,
        fr: "Carnet",
        en: "notebook",
        euros: (6, 39),
        makers: &["Papeterie du Rhône", "Le Grenier", "Plume d'Oie", "La Passerelle"],
        details: [
            ("Papier ivoire de 100 grammes, cousu.", "100 gram ivory paper, sewn."),
            ("Ne boit pas l'encre des stylos plume.", "Takes fountain pen ink without bleeding."),
            ("Marque-page et pochette au dos.", "Ribbon and back pocket."),
            ("S'ouvre à plat.", "Opens flat."),
        ],
    },
    Family {
        category: C::GamesBoard,
        fr: "Jeu de société",
        en: "board game",
        euros: (15, 69),
        makers: &["Dé à Coudre", "Pion Pion", "La Passerelle", "Trèfle & Carreau"],
        details: [
            (
                "De deux à cinq, en trois quarts d'heure.",
                "Two to five players, forty-five minutes.",
            ),
            ("Règles expliquées en quatre pages.", "Rules explained in four pages."),
            ("Pièces de bois, boîte sans plastique.", "Wooden pieces, no plastic in the box."),
            ("Se joue aussi en coopération.", "Also plays cooperatively."),
        ],
    },
    Family {
        category: C::FoodSweets,
        fr: "Ballotin de chocolats",
        en: "box of chocolates",
        euros: (12, 59),
        makers: &["Cacao Clair", "Praline & Fils", "La Fève", "Douceurs du Quai"],
        details: [
            (
                "Vingt-quatre bouchées, praliné à l'ancienne.",
                "Twenty-four pieces, old-style praline.",
            ),
            ("Cacao du Pérou, 70 pour cent.", "Peruvian cocoa, 70 per cent."),
            ("Fabriqué à Lyon la même semaine.", "Made in Lyon the same week."),
            ("Boîte de fer à garder.", "Tin to keep."),
        ],
    },
    Family {
        category: C::FoodPantry,
        fr: "Coffret d'épicerie fine",
        en: "fine grocery box",
        euros: (15, 89),
        makers: &["La Huche", "Douceurs du Quai", "Terre & Sel", "Garrigue"],
        details: [
            ("Huile d'olive, tapenade et sel aux herbes.", "Olive oil, tapenade and herb salt."),
            ("Six producteurs de la Drôme.", "Six producers from the Drôme."),
            ("Sans conservateur.", "No preservatives."),
            ("Boîte de bois réutilisable.", "Reusable wooden box."),
        ],
    },
    Family {
        category: C::GardenPlants,
        fr: "Kit de semis",
        en: "seed kit",
        euros: (9, 45),
        makers: &["Graines d'Anjou", "Terre & Sel", "Jardin Clair", "Semaison"],
        details: [
            ("Douze variétés paysannes reproductibles.", "Twelve open-pollinated varieties."),
            ("Godets de fibre et terreau sans tourbe.", "Fibre pots and peat-free compost."),
            ("Calendrier des semis pour balcon.", "Sowing calendar for balconies."),
            ("Germe en dix jours à vingt degrés.", "Sprouts in ten days at twenty degrees."),
        ],
    },
];
