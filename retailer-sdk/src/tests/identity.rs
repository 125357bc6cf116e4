//! Who the retailer says it is.

use super::World;
use crate::{
    days::TidyError,
    testing::{NOW, legal, shops},
};

#[test]
fn a_name_that_reads_otherwise_than_it_is_signed_is_refused_at_the_entry() {
    let mut world = World::new();
    let before = (world.retailer.identity().clone(), world.manifest());
    for bad in ["", "a\u{202e}b", "a\nb", "a\u{0}", &"a".repeat(5_000)] {
        let mut legal = legal();
        bad.clone_into(&mut legal.display_name);
        let refused = world.retailer.set_profile(legal, shops(), NOW, &mut world.rng);
        let Err(error @ TidyError::Manifest(_)) = refused else { panic!("{bad:?}: {refused:?}") };
        let mut said = Vec::new();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            said.push(error.to_string());
            cause = error.source();
        }
        let said = said.join(": ");
        assert!(said.contains("a text is empty, too long or has control characters"), "{said}");
        assert!(!said.contains(bad) || bad.is_empty(), "{said}");
        assert_eq!((world.retailer.identity().clone(), world.manifest()), before, "{bad:?}");
    }
    let mut other = legal();
    other.display_name = "Au Bon Rayon שלום".to_owned();
    world.retailer.set_profile(other, shops(), NOW, &mut world.rng).unwrap();
    assert_ne!(world.manifest(), before.1);
}
