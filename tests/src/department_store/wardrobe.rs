//! What Maison Lumen sells on its lower floors: clothes, shoes, sport, travel, beauty.

use besace_protocol::offer::Category as C;

use super::Family;

const CLOTHES: &[&str] =
    &["Cornaline", "Atelier Brume", "Maison Verveine", "Fil & Garance", "Ostara"];
const OUTDOOR: &[&str] = &["Sentier Vif", "Crête Nord", "Bivouac & Fils", "Altamont", "Granit"];
const LEATHER: &[&str] = &["Sellerie Aubrac", "Cuir de Mai", "Pont Royal", "Cornaline"];
const CARE: &[&str] = &["Fleur de Lauze", "Officine Bleue", "Néroli & Co", "Sève"];

pub(super) const FAMILIES: [Family; 20] = [
    Family {
        category: C::FashionCoats,
        fr: "Manteau",
        en: "coat",
        euros: (119, 389),
        makers: CLOTHES,
        details: [
            ("Laine vierge tissée dans les Vosges.", "Virgin wool woven in the Vosges."),
            (
                "Doublure en viscose, deux poches intérieures.",
                "Viscose lining, two inside pockets.",
            ),
            (
                "Coupe droite qui laisse place à un gros pull.",
                "Straight cut with room for a thick jumper.",
            ),
            ("Col montant et boutons de corne.", "High collar and horn buttons."),
        ],
    },
    Family {
        category: C::FashionKnitwear,
        fr: "Pull",
        en: "jumper",
        euros: (39, 159),
        makers: CLOTHES,
        details: [
            ("Mérinos extrafin, lavable à la main.", "Extra-fine merino, hand wash."),
            (
                "Tricoté d'une seule pièce, sans couture sous les bras.",
                "Knitted in one piece, no seam under the arms.",
            ),
            ("Col rond qui ne se détend pas.", "Crew neck that keeps its shape."),
            ("Six couleurs teintes en Isère.", "Six colours, dyed in Isère."),
        ],
    },
    Family {
        category: C::FashionShirts,
        fr: "Chemise",
        en: "shirt",
        euros: (35, 110),
        makers: CLOTHES,
        details: [
            ("Popeline de coton, repassage facile.", "Cotton poplin, easy to iron."),
            ("Boutons de nacre cousus en croix.", "Mother-of-pearl buttons, cross-stitched."),
            ("Manches longues à deux réglages.", "Long sleeves with two cuff settings."),
            ("Coton biologique filé au Portugal.", "Organic cotton spun in Portugal."),
        ],
    },
    Family {
        category: C::FashionTrousers,
        fr: "Pantalon",
        en: "trousers",
        euros: (45, 139),
        makers: CLOTHES,
        details: [
            (
                "Toile de coton lavée, douce dès le premier jour.",
                "Washed cotton canvas, soft from day one.",
            ),
            ("Taille réglable par deux pattes.", "Waist adjusts with two tabs."),
            ("Ourlet offert dans nos trois boutiques.", "Free hemming in our three shops."),
            ("Poches profondes fermées par une glissière.", "Deep pockets closed by a zip."),
        ],
    },
    Family {
        category: C::FashionDresses,
        fr: "Robe",
        en: "dress",
        euros: (59, 219),
        makers: CLOTHES,
        details: [
            (
                "Crêpe fluide qui ne se froisse pas en valise.",
                "Fluid crêpe that does not crease in a suitcase.",
            ),
            (
                "Longueur sous le genou, poches dans les coutures.",
                "Below the knee, pockets in the seams.",
            ),
            ("Imprimé dessiné dans notre atelier lyonnais.", "Print drawn in our Lyon studio."),
            ("Ceinture amovible du même tissu.", "Removable belt in the same fabric."),
        ],
    },
    Family {
        category: C::FashionBags,
        fr: "Sac besace",
        en: "messenger bag",
        euros: (69, 329),
        makers: LEATHER,
        details: [
            ("Cuir de vachette tanné aux écorces.", "Cowhide tanned with bark."),
            ("Bandoulière réglable de 80 à 130 cm.", "Shoulder strap adjusts from 80 to 130 cm."),
            (
                "Compartiment matelassé pour un écran de 14 pouces.",
                "Padded pocket for a 14-inch screen.",
            ),
            (
                "Réparable à vie à l'atelier de la boutique.",
                "Repairable for life in the shop's workroom.",
            ),
        ],
    },
    Family {
        category: C::FashionWatches,
        fr: "Montre",
        en: "watch",
        euros: (89, 459),
        makers: &["Heure Juste", "Tic & Lune", "Besançon 1862", "Pont Royal"],
        details: [
            (
                "Mouvement automatique, réserve de quarante heures.",
                "Automatic movement, forty-hour reserve.",
            ),
            ("Verre saphir et boîtier de 38 mm.", "Sapphire glass and 38 mm case."),
            ("Bracelet interchangeable sans outil.", "Strap changes without a tool."),
            ("Étanche à dix bars.", "Water resistant to ten bars."),
        ],
    },
    Family {
        category: C::FashionJewellery,
        fr: "Pendentif",
        en: "pendant",
        euros: (29, 279),
        makers: &["Petite Comète", "Ostara", "Fil & Garance", "Minérale"],
        details: [
            ("Argent recyclé, poinçonné à Paris.", "Recycled silver, hallmarked in Paris."),
            ("Chaîne forçat de 45 cm comprise.", "A 45 cm cable chain is included."),
            ("Pierre taillée en cabochon.", "Cabochon-cut stone."),
            ("Écrin de papier recyclé.", "Recycled paper case."),
        ],
    },
    Family {
        category: C::ShoesWalking,
        fr: "Chaussures de marche",
        en: "walking shoes",
        euros: (69, 199),
        makers: OUTDOOR,
        details: [
            ("Imperméables, 420 g chacune.", "Waterproof, 420 g each."),
            ("Semelle ressemelable à crampons de 4 mm.", "Resoleable, with 4 mm lugs."),
            (
                "Tige haute qui tient la cheville en descente.",
                "High upper that holds the ankle downhill.",
            ),
            ("Bout renforcé contre les pierriers.", "Toe cap for scree."),
        ],
    },
    Family {
        category: C::ShoesRunning,
        fr: "Chaussures de course",
        en: "running shoes",
        euros: (75, 179),
        makers: &["Foulée Libre", "Altamont", "Crête Nord", "Cadence"],
        details: [
            ("Mousse réactive, 255 g en pointure 42.", "Responsive foam, 255 g in size 42."),
            ("Chute de 6 mm du talon à la pointe.", "6 mm drop from heel to toe."),
            ("Maille ajourée qui sèche en une heure.", "Open mesh that dries in an hour."),
            ("Accroche pour chemins mouillés.", "Grip for wet paths."),
        ],
    },
    Family {
        category: C::ShoesCity,
        fr: "Derbies",
        en: "derby shoes",
        euros: (89, 259),
        makers: LEATHER,
        details: [
            ("Montage cousu Blake, cuir pleine fleur.", "Blake stitched, full-grain leather."),
            ("Semelle de gomme silencieuse.", "Quiet rubber sole."),
            ("Lacets cirés et paire de rechange.", "Waxed laces and a spare pair."),
            ("Formes étroite, normale et large.", "Narrow, regular and wide fittings."),
        ],
    },
    Family {
        category: C::ShoesBoots,
        fr: "Bottines",
        en: "ankle boots",
        euros: (95, 269),
        makers: LEATHER,
        details: [
            ("Talon de 4 cm, élastiques de côté.", "4 cm heel, elastic sides."),
            (
                "Doublure de peau qui tient chaud sans fourrure.",
                "Leather lining, warm without fur.",
            ),
            ("Cuir gras qui craint peu la pluie.", "Oiled leather that shrugs off rain."),
            ("Semelle crantée pour trottoirs gelés.", "Grooved sole for icy pavements."),
        ],
    },
    Family {
        category: C::SportHiking,
        fr: "Sac à dos de randonnée",
        en: "hiking backpack",
        euros: (49, 219),
        makers: OUTDOOR,
        details: [
            ("Dos ventilé, ceinture à deux poches.", "Ventilated back, belt with two pockets."),
            ("Housse de pluie rangée sous le fond.", "Rain cover stowed underneath."),
            ("Tissu déperlant issu de bouteilles.", "Water-repellent cloth made from bottles."),
            ("Réglage du dos de 43 à 53 cm.", "Back length adjusts from 43 to 53 cm."),
        ],
    },
    Family {
        category: C::SportCamping,
        fr: "Tente",
        en: "tent",
        euros: (99, 449),
        makers: OUTDOOR,
        details: [
            (
                "Deux places, 1,9 kg, se monte en six minutes.",
                "Sleeps two, 1.9 kg, up in six minutes.",
            ),
            ("Deux absides pour les sacs et le réchaud.", "Two porches for packs and stove."),
            ("Arceaux d'aluminium réparables.", "Repairable aluminium poles."),
            ("Colonne d'eau de 3 000 mm.", "3,000 mm water column."),
        ],
    },
    Family {
        category: C::SportCycling,
        fr: "Sacoche de vélo",
        en: "bicycle pannier",
        euros: (35, 149),
        makers: &["Roue Libre", "Pavé", "Crête Nord", "Cadence"],
        details: [
            ("Fixation qui se pose d'une main.", "Mounts with one hand."),
            ("Bâche soudée, étanche sous l'orage.", "Welded tarpaulin, storm proof."),
            ("Volume de 20 litres, bande réfléchissante.", "20 litres, reflective band."),
            ("Se porte aussi en bandoulière.", "Also worn over the shoulder."),
        ],
    },
    Family {
        category: C::SportYoga,
        fr: "Tapis de yoga",
        en: "yoga mat",
        euros: (29, 109),
        makers: &["Souffle", "Sève", "Aube Calme", "Ostara"],
        details: [
            ("Caoutchouc naturel et liège du Portugal.", "Natural rubber and Portuguese cork."),
            ("Épaisseur de 4 mm, ne glisse pas mouillé.", "4 mm thick, does not slip when wet."),
            ("Sangle de transport en coton.", "Cotton carrying strap."),
            ("Longueur de 183 cm.", "183 cm long."),
        ],
    },
    Family {
        category: C::SportSnow,
        fr: "Masque de ski",
        en: "ski goggles",
        euros: (45, 189),
        makers: OUTDOOR,
        details: [
            ("Écran qui s'éclaircit quand le jour baisse.", "Lens that clears as daylight fades."),
            (
                "Mousse à trois densités, compatible lunettes.",
                "Triple-density foam, fits over glasses.",
            ),
            ("Traitement antibuée des deux côtés.", "Anti-fog on both sides."),
            ("Bandeau large à grip de silicone.", "Wide strap with silicone grip."),
        ],
    },
    Family {
        category: C::TravelLuggage,
        fr: "Valise",
        en: "suitcase",
        euros: (79, 389),
        makers: &["Grand Quai", "Pont Royal", "Altamont", "Malle & Cie"],
        details: [
            ("Coque rigide, quatre roues silencieuses.", "Hard shell, four quiet wheels."),
            ("Format admis en cabine, 2,4 kg.", "Cabin size, 2.4 kg."),
            ("Serrure à chiffres, doublure lavable.", "Combination lock, washable lining."),
            (
                "Roues et poignée remplaçables en boutique.",
                "Wheels and handle replaceable in the shop.",
            ),
        ],
    },
    Family {
        category: C::BeautyPerfume,
        fr: "Eau de toilette",
        en: "eau de toilette",
        euros: (39, 129),
        makers: CARE,
        details: [
            ("Figuier, thé vert et une pointe de sel.", "Fig, green tea and a touch of salt."),
            ("Iris de Toscane sur fond de cèdre.", "Tuscan iris on cedar."),
            ("Flacon de 100 ml rechargeable.", "Refillable 100 ml bottle."),
            ("Composée à Grasse.", "Composed in Grasse."),
        ],
    },
    Family {
        category: C::BeautySkincare,
        fr: "Crème de jour",
        en: "day cream",
        euros: (15, 79),
        makers: CARE,
        details: [
            ("Texture légère, convient sous le maquillage.", "Light texture, works under make-up."),
            ("Huile de prune du Sud-Ouest.", "Plum oil from the south-west."),
            ("Sans parfum, pot de verre consigné.", "Unscented, deposit glass jar."),
            ("Hydrate pendant douze heures.", "Moisturises for twelve hours."),
        ],
    },
];
