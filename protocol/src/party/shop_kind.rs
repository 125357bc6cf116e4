//! What shops sell: a closed list, for what going there tells. `spec/mirror.md#kinds`.

use serde::{Deserialize, Serialize};

/// What a shop sells, as its customers would say. Where several fit, what tells most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShopKind {
    /// Everything under one roof, so that going there says little of what.
    DepartmentStore,
    /// Food for a household.
    Grocery,
    /// Bread and cakes, bought near home or work.
    Bakery,
    /// Meals.
    Restaurant,
    /// Wine, beer, spirits.
    Drinks,
    /// Clothes and shoes.
    Clothing,
    /// Cosmetics, perfume, hairdressing.
    Beauty,
    /// Jewels and watches.
    Jewellery,
    /// Toys, and what babies and children need.
    Children,
    /// What pets need.
    Pets,
    /// Books, music, films, games.
    Books,
    /// Sports and the outdoors.
    Sports,
    /// Plants and gardening.
    Garden,
    /// Tools and building material.
    Hardware,
    /// Furniture, kitchens, bathrooms.
    Furniture,
    /// Telephones, computers, appliances.
    Electronics,
    /// Pharmacy, optician, hearing aids, medical supplies.
    Health,
    /// Things of a religion.
    Faith,
    /// Things of one's sex life.
    Intimate,
    /// Things of a party, a union or a cause.
    Politics,
}

impl ShopKind {
    /// Every kind there is.
    pub const ALL: &'static [Self] = &[
        Self::DepartmentStore,
        Self::Grocery,
        Self::Bakery,
        Self::Restaurant,
        Self::Drinks,
        Self::Clothing,
        Self::Beauty,
        Self::Jewellery,
        Self::Children,
        Self::Pets,
        Self::Books,
        Self::Sports,
        Self::Garden,
        Self::Hardware,
        Self::Furniture,
        Self::Electronics,
        Self::Health,
        Self::Faith,
        Self::Intimate,
        Self::Politics,
    ];

    /// Whether going there tells what GDPR art. 9 protects: health, faith, sex life, opinions.
    pub const fn is_special(self) -> bool {
        matches!(self, Self::Health | Self::Faith | Self::Intimate | Self::Politics)
    }
}
