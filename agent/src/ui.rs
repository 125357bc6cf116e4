//! What people see: pages rendered here, words in two languages, no script at all.
//!
//! | module | what it is |
//! |---|---|
//! | [`text`], [`voice`] | words of `i18n/`, dates and amounts as people write them |
//! | [`view`], [`terms`] | what a page shows, as plain display data |
//! | [`today`], [`cards`], [`vouchers`], [`till`], [`consent`], [`rules`], [`journal`], [`product`] | from what the engine says to a view |
//! | [`alarm`] | what stands above every page while something is wrong |
//! | [`page`] | a view in its frame, rendered by the templates |
//! | [`keys`], [`kit`] | what opens the vault, and the sheet to be printed |
//! | [`backup`] | copies elsewhere |
//! | [`start`] | what came back with a backup |
//! | [`went_back`] | a vault that went back in time, and her decision |
//! | [`barcode`] | the code of a card, read back before it is shown |
//! | [`assets`] | style sheet and icon |

pub mod afresh;
pub mod alarm;
pub mod answers;
pub mod assets;
pub mod backup;
pub mod barcode;
pub mod cards;
pub mod consent;
pub mod feedback;
pub mod journal;
pub mod keys;
pub mod kit;
mod looked_up;
pub mod mandates;
mod marketing;
pub mod page;
pub mod product;
pub mod renewal;
mod revocation;
pub mod rules;
pub mod start;
pub mod terms;
pub mod text;
pub mod till;
pub mod till_receipts;
pub mod today;
pub mod view;
pub mod voice;
pub mod vouchers;
pub mod went_back;
pub mod wishes;
