//! The closed list of categories. `spec/categories.md` is the same table for readers.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::lang::Language;

/// The text is not the id of a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a category of the list")]
pub struct ParseCategoryError;

macro_rules! categories {
    ($($name:ident = $id:literal, $kind:ident: $fr:literal, $fr_some:literal, $en:literal;)*) => {
        /// What an offer is about. A category contains those whose id continues its own after a dot.
        #[expect(missing_docs, reason = "each says what its id says; names are in the table below")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Category {
            $($name,)*
        }

        impl Category {
            /// Every category there is, in the order of their ids.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The id, as it stands on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Whether targeting people by it is banned, for or against.
            pub const fn is_sensitive(self) -> bool {
                match self { $(Self::$name => categories!(@$kind),)* }
            }

            /// The name of the department, as a title.
            pub const fn name(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::Fr) => $fr,
                      (Self::$name, Language::En) => $en,)*
                }
            }

            /// What somebody looks for: "des chaussures de marche", "walking shoes".
            pub const fn sought(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::Fr) => $fr_some,
                      (Self::$name, Language::En) => $en,)*
                }
            }
        }
    };
    (@plain) => { false };
    (@sensitive) => { true };
}

categories! {
    Addiction = "addiction", sensitive: "Produits à dépendance", "des produits à dépendance", "addictive products";
    AddictionAlcohol = "addiction.alcohol", sensitive: "Alcools", "des boissons alcoolisées", "alcoholic drinks";
    AddictionCbd = "addiction.cbd", sensitive: "CBD", "des produits au CBD", "CBD products";
    AddictionGambling = "addiction.gambling", sensitive: "Jeux d'argent", "des jeux d'argent", "gambling";
    AddictionTobacco = "addiction.tobacco", sensitive: "Tabac et vapotage", "du tabac ou de quoi vapoter", "tobacco and vaping";
    Beauty = "beauty", plain: "Beauté", "un produit de beauté", "beauty products";
    BeautyHair = "beauty.hair", plain: "Coiffure", "un produit ou un appareil de coiffure", "hair care";
    BeautyPerfume = "beauty.perfume", plain: "Parfums", "un parfum", "perfume";
    BeautySkincare = "beauty.skincare", plain: "Soins du visage et du corps", "un soin du visage ou du corps", "skin care";
    Books = "books", plain: "Livres et papeterie", "un livre ou de la papeterie", "books and stationery";
    BooksCooking = "books.cooking", plain: "Livres de cuisine", "un livre de cuisine", "cookery books";
    BooksFiction = "books.fiction", plain: "Romans", "un roman", "novels";
    BooksStationery = "books.stationery", plain: "Papeterie", "de la papeterie", "stationery";
    BooksTravel = "books.travel", plain: "Guides de voyage", "un guide de voyage", "travel guides";
    Children = "children", sensitive: "Enfants", "des articles pour enfants", "children's goods";
    ChildrenBaby = "children.baby", sensitive: "Bébé", "des articles pour bébé", "baby goods";
    ChildrenClothes = "children.clothes", sensitive: "Vêtements d'enfants", "des vêtements d'enfants", "children's clothes";
    ChildrenToys = "children.toys", sensitive: "Jouets", "des jouets", "toys";
    Credit = "credit", sensitive: "Crédit et rachat d'or", "un crédit ou un rachat d'or", "credit and pawnbroking";
    Diy = "diy", plain: "Bricolage", "des articles de bricolage", "DIY goods";
    DiyElectrical = "diy.electrical", plain: "Électricité", "du matériel électrique", "electrical supplies";
    DiyFixings = "diy.fixings", plain: "Visserie et fixations", "des vis ou des fixations", "screws and fixings";
    DiyHandTools = "diy.hand-tools", plain: "Outillage à main", "de l'outillage à main", "hand tools";
    DiyPaint = "diy.paint", plain: "Peinture", "de la peinture", "paint";
    DiyPlumbing = "diy.plumbing", plain: "Plomberie", "des articles de plomberie", "plumbing";
    DiyPowerTools = "diy.power-tools", plain: "Outillage électrique", "de l'outillage électrique", "power tools";
    Electronics = "electronics", plain: "Électronique", "un appareil électronique", "electronics";
    ElectronicsAudio = "electronics.audio", plain: "Casques et enceintes", "un casque ou une enceinte", "headphones and speakers";
    ElectronicsComputing = "electronics.computing", plain: "Informatique", "du matériel informatique", "computer equipment";
    ElectronicsPhones = "electronics.phones", plain: "Téléphonie", "un téléphone ou un accessoire", "phones and accessories";
    ElectronicsPhoto = "electronics.photo", plain: "Photo", "du matériel photo", "photo equipment";
    Fashion = "fashion", plain: "Mode", "des articles de mode", "fashion";
    FashionAccessories = "fashion.accessories", plain: "Accessoires de mode", "un accessoire de mode", "fashion accessories";
    FashionBags = "fashion.bags", plain: "Sacs et maroquinerie", "un sac ou de la maroquinerie", "bags and leather goods";
    FashionCoats = "fashion.coats", plain: "Manteaux et vestes", "un manteau ou une veste", "coats and jackets";
    FashionDresses = "fashion.dresses", plain: "Robes et jupes", "une robe ou une jupe", "dresses and skirts";
    FashionJewellery = "fashion.jewellery", plain: "Bijoux", "un bijou", "jewellery";
    FashionKnitwear = "fashion.knitwear", plain: "Pulls et gilets", "un pull ou un gilet", "knitwear";
    FashionMen = "fashion.men", plain: "Mode homme", "des vêtements pour homme", "men's clothes";
    FashionShirts = "fashion.shirts", plain: "Chemises et blouses", "une chemise ou une blouse", "shirts and blouses";
    FashionTrousers = "fashion.trousers", plain: "Pantalons et jeans", "un pantalon ou un jean", "trousers and jeans";
    FashionWatches = "fashion.watches", plain: "Montres", "une montre", "watches";
    FashionWomen = "fashion.women", plain: "Mode femme", "des vêtements pour femme", "women's clothes";
    Food = "food", plain: "Épicerie", "des produits d'épicerie", "groceries";
    FoodDrinks = "food.drinks", plain: "Boissons sans alcool", "des boissons sans alcool", "soft drinks";
    FoodPantry = "food.pantry", plain: "Épicerie fine", "de l'épicerie fine", "fine groceries";
    FoodSweets = "food.sweets", plain: "Chocolats et confiseries", "des chocolats ou des confiseries", "chocolates and sweets";
    Games = "games", plain: "Jeux et loisirs créatifs", "un jeu ou un loisir créatif", "games and crafts";
    GamesBoard = "games.board", plain: "Jeux de société", "un jeu de société", "board games";
    GamesCrafts = "games.crafts", plain: "Loisirs créatifs", "du matériel de loisirs créatifs", "craft supplies";
    Garden = "garden", plain: "Jardin", "des articles de jardin", "garden goods";
    GardenPlants = "garden.plants", plain: "Plantes et graines", "des plantes ou des graines", "plants and seeds";
    GardenTools = "garden.tools", plain: "Outils de jardin", "un outil de jardin", "garden tools";
    Health = "health", sensitive: "Santé", "des produits de santé", "health products";
    HealthAids = "health.aids", sensitive: "Aides et dispositifs médicaux", "un dispositif médical", "medical aids";
    HealthPharmacy = "health.pharmacy", sensitive: "Pharmacie", "des produits de pharmacie", "pharmacy products";
    HealthPregnancy = "health.pregnancy", sensitive: "Grossesse", "des articles de grossesse", "pregnancy goods";
    HealthSexual = "health.sexual", sensitive: "Santé et bien-être sexuels", "des articles de bien-être sexuel", "sexual wellness";
    Home = "home", plain: "Maison", "des articles pour la maison", "home goods";
    HomeBathroom = "home.bathroom", plain: "Salle de bain", "du linge ou des accessoires de bain", "bath linen and accessories";
    HomeBedding = "home.bedding", plain: "Linge de lit", "du linge de lit", "bed linen";
    HomeCleaning = "home.cleaning", plain: "Entretien de la maison", "de quoi entretenir la maison", "cleaning goods";
    HomeDecoration = "home.decoration", plain: "Décoration", "un objet de décoration", "home decoration";
    HomeFurniture = "home.furniture", plain: "Meubles", "un meuble", "furniture";
    HomeLighting = "home.lighting", plain: "Luminaires", "un luminaire", "lamps";
    HomeStorage = "home.storage", plain: "Rangement", "du rangement", "storage";
    Kitchen = "kitchen", plain: "Cuisine", "des articles de cuisine", "kitchenware";
    KitchenCoffee = "kitchen.coffee", plain: "Café et thé", "de quoi préparer le café ou le thé", "coffee and tea makers";
    KitchenCookware = "kitchen.cookware", plain: "Poêles et casseroles", "une poêle ou une casserole", "pots and pans";
    KitchenKnives = "kitchen.knives", plain: "Couteaux de cuisine", "un couteau de cuisine", "kitchen knives";
    KitchenSmallAppliances = "kitchen.small-appliances", plain: "Petit électroménager", "du petit électroménager", "small appliances";
    KitchenTableware = "kitchen.tableware", plain: "Arts de la table", "de la vaisselle", "tableware";
    Music = "music", plain: "Musique", "de la musique", "music";
    MusicInstruments = "music.instruments", plain: "Instruments de musique", "un instrument de musique", "musical instruments";
    MusicRecords = "music.records", plain: "Disques", "un disque", "records";
    Pets = "pets", plain: "Animaux", "des articles pour animaux", "pet goods";
    Politics = "politics", sensitive: "Politique et syndicats", "des ouvrages politiques ou syndicaux", "political and union goods";
    Religion = "religion", sensitive: "Religion", "des articles religieux", "religious goods";
    Shoes = "shoes", plain: "Chaussures", "des chaussures", "shoes";
    ShoesBoots = "shoes.boots", plain: "Bottes et bottines", "des bottes ou des bottines", "boots";
    ShoesCity = "shoes.city", plain: "Chaussures de ville", "des chaussures de ville", "city shoes";
    ShoesRunning = "shoes.running", plain: "Chaussures de course", "des chaussures de course", "running shoes";
    ShoesWalking = "shoes.walking", plain: "Chaussures de marche", "des chaussures de marche", "walking shoes";
    Sport = "sport", plain: "Sport et plein air", "du matériel de sport", "sports equipment";
    SportCamping = "sport.camping", plain: "Camping", "du matériel de camping", "camping equipment";
    SportCycling = "sport.cycling", plain: "Vélo", "du matériel de vélo", "cycling equipment";
    SportHiking = "sport.hiking", plain: "Randonnée", "du matériel de randonnée", "hiking equipment";
    SportSnow = "sport.snow", plain: "Sports d'hiver", "du matériel de sports d'hiver", "winter sports equipment";
    SportYoga = "sport.yoga", plain: "Yoga et forme", "du matériel de yoga", "yoga and fitness equipment";
    Travel = "travel", plain: "Voyage", "des articles de voyage", "travel goods";
    TravelLuggage = "travel.luggage", plain: "Bagages", "un bagage", "luggage";
}

impl Category {
    /// Reads an id of the list.
    pub fn parse(text: &str) -> Result<Self, ParseCategoryError> {
        let by_id = Self::ALL.binary_search_by(|category| category.as_str().cmp(text));
        by_id.ok().and_then(|at| Self::ALL.get(at)).copied().ok_or(ParseCategoryError)
    }

    /// The category that a person names: by its id, or by one of its names in whatever letter case.
    pub fn find(words: &str) -> Option<Self> {
        let words = words.trim().to_lowercase();
        let is_named = |category: &&Self| {
            Language::ALL.iter().any(|language| {
                category.name(*language).to_lowercase() == words
                    || category.sought(*language) == words
            })
        };
        Self::parse(&words).ok().or_else(|| Self::ALL.iter().find(is_named).copied())
    }

    /// Whether it is `other`, or one of those that `other` contains.
    pub fn is_within(self, other: Self) -> bool {
        self.as_str()
            .strip_prefix(other.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::str::FromStr for Category {
    type Err = ParseCategoryError;

    fn from_str(text: &str) -> Result<Self, ParseCategoryError> {
        Self::parse(text)
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Category {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::{format, fs, vec::Vec};

    use super::*;

    #[test]
    fn the_list_is_sorted_and_every_id_is_read() {
        assert!(Category::ALL.is_sorted_by_key(|category| category.as_str()));
        assert!(Category::ALL.is_sorted());
        for category in Category::ALL {
            assert_eq!(Category::parse(category.as_str()), Ok(*category));
        }
        for text in ["", "Shoes", "shoes.", "shoes.walking.x", "astrology"] {
            assert_eq!(Category::parse(text), Err(ParseCategoryError), "{text}");
        }
    }

    #[test]
    fn a_category_is_found_by_what_people_call_it() {
        for words in ["shoes.walking", " Chaussures de marche ", "walking SHOES"] {
            assert_eq!(Category::find(words), Some(Category::ShoesWalking), "{words}");
        }
        assert_eq!(
            Category::find("de quoi préparer le café ou le thé"),
            Some(Category::KitchenCoffee)
        );
        assert_eq!(Category::find("quelque chose"), None);
    }

    #[test]
    fn a_category_contains_those_below_it_and_sensitivity_goes_down() {
        assert!(Category::ShoesWalking.is_within(Category::Shoes));
        assert!(Category::Shoes.is_within(Category::Shoes));
        assert!(!Category::Shoes.is_within(Category::ShoesWalking));
        for (a, b) in Category::ALL.iter().flat_map(|a| Category::ALL.iter().map(move |b| (a, b))) {
            if a.is_within(*b) {
                assert_eq!(a.is_sensitive(), b.is_sensitive(), "{a} in {b}");
            }
        }
    }

    #[test]
    fn the_page_of_the_specification_is_this_list() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/categories.md");
        let page = fs::read_to_string(page).unwrap();
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        let ours: Vec<_> = Category::ALL
            .iter()
            .map(|c| {
                let sensitive = if c.is_sensitive() { "yes" } else { "no" };
                let (fr, en) = (c.name(Language::Fr), c.name(Language::En));
                format!("| `{c}` | {fr} | {} | {en} | {sensitive} |", c.sought(Language::Fr))
            })
            .collect();
        assert_eq!(rows, ours);
    }
}
