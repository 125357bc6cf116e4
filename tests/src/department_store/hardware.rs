//! What Quincaillerie du Pont sells.

use besace_protocol::offer::Category as C;

use super::Family;

const TOOLS: &[&str] = &["Forge Basse", "Outils Lacroix", "Rabot & Rivet", "Vidal Frères"];

pub(super) const FAMILIES: [Family; 5] = [
    Family {
        category: C::DiyPowerTools,
        fr: "Perceuse-visseuse",
        en: "drill driver",
        euros: (59, 179),
        makers: TOOLS,
        details: [
            ("Deux batteries de 18 volts, mallette.", "Two 18 volt batteries, in a case."),
            ("Couple de 55 newtons-mètres, mandrin de 13 mm.", "55 newton metres, 13 mm chuck."),
            ("Moteur sans charbon, 1,3 kg.", "Brushless motor, 1.3 kg."),
            ("Lampe et cran d'arrêt magnétique.", "Light and magnetic bit stop."),
        ],
    },
    Family {
        category: C::DiyHandTools,
        fr: "Jeu de tournevis",
        en: "screwdriver set",
        euros: (14, 59),
        makers: TOOLS,
        details: [
            ("Huit lames isolées à 1 000 volts.", "Eight blades insulated to 1,000 volts."),
            ("Acier au chrome-vanadium.", "Chrome vanadium steel."),
            ("Manches bimatière, étui de toile.", "Two-material handles, canvas roll."),
            ("Garantis à vie au comptoir.", "Guaranteed for life at the counter."),
        ],
    },
    Family {
        category: C::DiyFixings,
        fr: "Assortiment de vis",
        en: "screw assortment",
        euros: (9, 39),
        makers: TOOLS,
        details: [
            ("Six cents vis à bois, inox A2.", "Six hundred wood screws, A2 stainless."),
            ("Chevilles assorties comprises.", "Matching plugs included."),
            ("Boîte à douze cases qui s'empilent.", "Stackable box with twelve trays."),
            ("Recharges vendues au poids.", "Refills sold by weight."),
        ],
    },
    Family {
        category: C::DiyPaint,
        fr: "Peinture murale",
        en: "wall paint",
        euros: (19, 89),
        makers: &["Chaux Vive", "Couleurs du Pont", "Blanc d'Ardèche", "Vidal Frères"],
        details: [
            (
                "Mate, lavable, dix mètres carrés au litre.",
                "Matt, washable, ten square metres a litre.",
            ),
            ("Sans solvant, sèche en deux heures.", "Solvent free, dry in two hours."),
            ("Teintée au comptoir sur échantillon.", "Tinted at the counter to a sample."),
            ("Pot de deux litres et demi.", "Two and a half litre tin."),
        ],
    },
    Family {
        category: C::GardenTools,
        fr: "Sécateur",
        en: "pruning shears",
        euros: (15, 69),
        makers: &["Forge Basse", "Jardin Clair", "Rabot & Rivet", "Vidal Frères"],
        details: [
            ("Lame forgée, coupe jusqu'à 25 mm.", "Forged blade, cuts up to 25 mm."),
            ("Ressort et lame remplaçables.", "Replaceable spring and blade."),
            ("Poignées d'aluminium pour petites mains.", "Aluminium handles for small hands."),
            ("Affûtage offert au printemps.", "Free sharpening in spring."),
        ],
    },
];
