//! `bench matching`: a hundred thousand offers against what twenty agents know.

#[cfg(feature = "peers")]
mod a_tree;
#[cfg(feature = "peers")]
mod cel;
#[cfg(feature = "peers")]
mod facts;
mod people;
mod world;

use std::collections::BTreeSet;

use anyhow::Result;
use besace_protocol::{
    id::OfferId,
    offer::{Context, matching::Matcher},
};

use self::{
    people::people,
    world::{NOW, Retailer, world},
};
use super::{
    Run,
    figures::{Figures, Sample},
    yardstick::{cpu_of, cpu_seconds, memory, number},
};

/// The offers that match, by name.
type Matches = BTreeSet<OfferId>;

pub(super) fn measure(run: &Run) -> Result<Figures> {
    let mut figures = Figures::default();
    let offers = if run.quick { 10_000 } else { 100_000 };
    let before = (cpu_seconds(), memory()?.0);
    let retailers = world(offers)?;
    figures.set("make_and_sign_cpu_seconds", cpu_seconds() - before.0);
    figures.count("catalogues_rss_bytes", memory()?.0.saturating_sub(before.1));
    figures.count("offers_count", offers);
    figures.count("retailers_count", retailers.len());
    let contexts = people(&retailers)?;
    figures.count("contexts_count", contexts.len());

    let mut matched: Vec<Matches> = Vec::new();
    let mut cold = Vec::new();
    for context in &contexts {
        let runs = if run.quick { 1 } else { 5 };
        cold.push(cpu_of(runs, || linear(&retailers, context)).median);
        matched.push(linear(&retailers, context).into_iter().collect());
    }
    let counts = Sample::of(matched.iter().map(|matched| number(matched.len())).collect());
    figures.set("matches_count_median", counts.median);
    let slowest = cold.iter().copied().fold(0.0, f64::max);
    let cold = Sample::of(cold);
    figures.sample("linear_milliseconds", cold.times(1e3));
    figures.set("linear_milliseconds_slowest_context", slowest * 1e3);
    figures.set("linear_nanoseconds_per_offer", cold.median * 1e9 / number(offers));
    #[cfg(feature = "peers")]
    against_peers(&retailers, &contexts, &matched, cold, run, &mut figures)?;
    Ok(figures)
}

/// Every offer of every retailer, with reasons, ranked: what the agent does.
fn linear(retailers: &[Retailer], context: &Context) -> Vec<OfferId> {
    let matcher = Matcher::new(context, NOW);
    let found = retailers.iter().flat_map(|of| matcher.offers(&of.catalogue));
    found.map(|found| found.offer().id()).collect()
}

/// The same offers and contexts through other engines; all must find the same.
#[cfg(feature = "peers")]
fn against_peers(
    retailers: &[Retailer],
    contexts: &[Context],
    matched: &[Matches],
    cold: Sample,
    run: &Run,
    figures: &mut Figures,
) -> Result<()> {
    use anyhow::ensure;

    let flat: Vec<_> = contexts.iter().map(|context| facts::Facts::of(context, NOW)).collect();
    let some = if run.quick { 2 } else { 5 };

    let before = (cpu_seconds(), memory()?.0);
    let programs = cel::compile(retailers)?;
    figures.set("cel_compile_cpu_seconds", cpu_seconds() - before.0);
    figures.count("cel_programs_rss_bytes", memory()?.0.saturating_sub(before.1));
    figures.count("cel_contexts_count", some.min(flat.len()));
    let mut times = Vec::new();
    for (facts, expected) in flat.iter().zip(matched).take(some) {
        let context = cel::context(facts);
        let mut found = Matches::new();
        times.push(cpu_of(1, || found = cel::matches(&programs, &context)).median);
        ensure!(found == *expected, "CEL and the linear matcher differ");
    }
    let of_cel = Sample::of(times);
    figures.sample("cel_milliseconds", of_cel.times(1e3));
    figures.set("ratio_to_cel", of_cel.median / cold.median);
    drop(programs);

    // Its insertion is quadratic: a tenth of the offers, and ours on the same tenth beside it.
    let few = &retailers[..retailers.len().min(200)];
    let before = (cpu_seconds(), memory()?.0);
    let tree = a_tree::Tree::plant(few)?;
    figures.set("a_tree_insert_cpu_seconds", cpu_seconds() - before.0);
    figures.count("a_tree_rss_bytes", memory()?.0.saturating_sub(before.1));
    figures.count("a_tree_offers_count", tree.len());
    figures.note("a_tree_note", "insertion is quadratic: a tenth of the offers");
    let (mut times, mut ours) = (Vec::new(), Vec::new());
    for (facts, context) in flat.iter().zip(contexts) {
        let mut found = Matches::new();
        let mut expected = Vec::new();
        let event = tree.event(facts)?;
        let mut searched = Ok(());
        times.push(
            cpu_of(1, || match tree.search(&event) {
                Ok(these) => found = these,
                Err(error) => searched = Err(error),
            })
            .median,
        );
        searched?;
        ours.push(cpu_of(1, || expected = linear(few, context)).median);
        ensure!(found == expected.into_iter().collect(), "a-tree and the linear matcher differ");
    }
    let (of_tree, ours) = (Sample::of(times), Sample::of(ours));
    figures.sample("a_tree_milliseconds", of_tree.times(1e3));
    figures.sample("linear_milliseconds_beside_a_tree", ours.times(1e3));
    figures.set("ratio_to_a_tree", of_tree.median / ours.median);
    figures.note(
        "all_engines_agree",
        "every engine found the same offers in every context it was given",
    );
    Ok(())
}
