//! Bounded conjunctive normal form: every clause must hold, a clause holds by one of its literals.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::predicate::Predicate;

/// A list of a condition has too few or too many members, or is not strictly ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("list is empty, longer than {max}, not sorted, or has something twice")]
pub struct ListError {
    /// The limit.
    pub max: usize,
}

/// 1 to 32 values, strictly ascending: a set has one spelling.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Choices<T>(Vec<T>);

/// What must hold for an offer to be shown. No clause: it is for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Condition(Vec<Clause>);

/// 1 to 8 literals, one of which must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Clause(Vec<Literal>);

/// A predicate, or its contrary. What is unknown is neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Literal {
    /// The predicate is known to hold.
    Holds(Predicate),
    /// The predicate is known not to hold.
    Fails(Predicate),
}

impl<T: Ord> Choices<T> {
    /// Most values.
    pub const LEN_MAX: usize = 32;

    /// Takes 1 to [`LEN_MAX`](Self::LEN_MAX) values in strictly ascending order.
    pub fn new(values: Vec<T>) -> Result<Self, ListError> {
        let ascending = values.is_sorted_by(|a, b| a < b);
        if values.is_empty() || values.len() > Self::LEN_MAX || !ascending {
            return Err(ListError { max: Self::LEN_MAX });
        }
        Ok(Self(values))
    }

    /// Just one.
    pub fn one(value: T) -> Self {
        Self(alloc::vec![value])
    }

    /// Whether it is among them.
    pub fn contains(&self, value: &T) -> bool {
        self.0.binary_search(value).is_ok()
    }
}

impl<T> Choices<T> {
    /// The values.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl Condition {
    /// Most clauses.
    pub const LEN_MAX: usize = 8;

    /// Takes at most [`LEN_MAX`](Self::LEN_MAX) clauses.
    pub fn new(clauses: Vec<Clause>) -> Result<Self, ListError> {
        if clauses.len() > Self::LEN_MAX {
            return Err(ListError { max: Self::LEN_MAX });
        }
        Ok(Self(clauses))
    }

    /// The clauses.
    pub fn clauses(&self) -> &[Clause] {
        &self.0
    }

    /// Every literal with the indices of its clause and of itself, from 0.
    pub fn literals(&self) -> impl Iterator<Item = (usize, usize, &Literal)> {
        self.0.iter().enumerate().flat_map(|(clause, literals)| {
            literals.0.iter().enumerate().map(move |(literal, value)| (clause, literal, value))
        })
    }
}

impl Clause {
    /// Most literals.
    pub const LEN_MAX: usize = 8;

    /// Takes 1 to [`LEN_MAX`](Self::LEN_MAX) literals.
    pub fn new(literals: Vec<Literal>) -> Result<Self, ListError> {
        if literals.is_empty() || literals.len() > Self::LEN_MAX {
            return Err(ListError { max: Self::LEN_MAX });
        }
        Ok(Self(literals))
    }

    /// The literals.
    pub fn literals(&self) -> &[Literal] {
        &self.0
    }
}

impl Literal {
    /// The predicate, whichever way it is used.
    pub const fn predicate(&self) -> &Predicate {
        match self {
            Self::Holds(predicate) | Self::Fails(predicate) => predicate,
        }
    }

    /// Whether the predicate must hold.
    pub const fn is_positive(&self) -> bool {
        matches!(self, Self::Holds(_))
    }
}

impl<T: fmt::Debug> fmt::Debug for Choices<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

macro_rules! bounded {
    ($($name:ty, $item:ty $(, $parameter:ident)?;)*) => {$(
        impl<'de $(, $parameter: Deserialize<'de> + Ord)?> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(Vec::<$item>::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    )*};
}

bounded! {
    Choices<T>, T, T;
    Condition, Clause;
    Clause, Literal;
}
