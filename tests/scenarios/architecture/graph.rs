//! The dependency graph, as Cargo resolved it.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Our crates, and which of ours each may depend on.
const EDGES: &[(&str, &[&str])] = &[
    ("besace-protocol", &["besace-protocol"]), // its tests turn every feature on
    ("besace-audit", &["besace-protocol"]),
    ("besace-agent", &["besace-protocol"]),
    ("besace-retailer", &["besace-protocol"]),
    ("besace-gateway", &["besace-protocol", "besace-retailer"]),
    (
        "besace-e2e",
        &["besace-protocol", "besace-audit", "besace-agent", "besace-retailer", "besace-gateway"],
    ),
];

/// Crates that have no I/O, not even through others.
const PURE: &[&str] = &["besace-protocol", "besace-audit"];

/// What I/O comes with: runtimes, HTTP, SQL.
const IO: &[&str] =
    &["actix-web", "hyper", "libsqlite3-sys", "mio", "reqwest", "rusqlite", "tokio"];

/// Features of `serde_json` that change what our strict reader sees, whoever asks for them.
const JSON_FEATURES: &[&str] = &["arbitrary_precision"];

const CURVES: &[&str] = &["curve25519-dalek", "ed25519-dalek", "x25519-dalek"];

/// Names stand for packages: two versions of one package are told apart only in `versions`.
#[derive(Clone)]
pub struct Graph {
    /// From each package to what it is linked with.
    links: BTreeMap<String, BTreeSet<String>>,
    /// From each of our crates to what its manifest names, tests included.
    declared: BTreeMap<String, BTreeSet<String>>,
    versions: BTreeSet<(String, String)>,
    /// Features that are on, as `package/feature`.
    features: BTreeSet<String>,
}

impl Graph {
    pub fn of_the_workspace() -> Self {
        let metadata = MetadataCommand::new()
            .manifest_path(super::source::root().join("Cargo.toml"))
            .other_options(
                ["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(String::from),
            )
            .exec()
            .unwrap();
        let name = |id| metadata[id].name.to_string();
        let mut features = BTreeSet::new();
        let mut links: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in &metadata.resolve.as_ref().unwrap().nodes {
            let normal = node
                .deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
            features.extend(node.features.iter().map(|f| format!("{}/{f}", name(&node.id))));
            links.entry(name(&node.id)).or_default().extend(normal.map(|dep| name(&dep.pkg)));
        }
        let declared = metadata.workspace_packages().into_iter().map(|package| {
            let named = package.dependencies.iter().map(|dependency| dependency.name.clone());
            (package.name.to_string(), named.collect())
        });
        let versions =
            metadata.packages.iter().map(|p| (p.name.to_string(), p.version.to_string()));
        Self { links, declared: declared.collect(), versions: versions.collect(), features }
    }

    pub fn plant(&mut self, from: &str, to: &str) {
        self.declared.entry(from.to_owned()).or_default().insert(to.to_owned());
        self.links.entry(from.to_owned()).or_default().insert(to.to_owned());
    }

    pub fn plant_package(&mut self, name: &str, version: &str) {
        self.versions.insert((name.to_owned(), version.to_owned()));
    }

    pub fn plant_feature(&mut self, feature: &str) {
        self.features.insert(feature.to_owned());
    }

    /// Features of the JSON reader that must be off.
    pub fn loose_json(&self) -> Vec<String> {
        let named = JSON_FEATURES.iter().map(|feature| format!("serde_json/{feature}"));
        named.filter(|feature| self.features.contains(feature)).collect()
    }

    /// Edges that the picture does not have, each with its reason.
    pub fn forbidden_edges(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (from, named) in &self.declared {
            let Some((_, allowed)) = EDGES.iter().find(|(name, _)| name == from) else {
                found.push(format!("{from} is a seventh crate"));
                continue;
            };
            let ours = named.iter().filter(|to| EDGES.iter().any(|(name, _)| name == to));
            let strangers = ours.filter(|to| !allowed.contains(&to.as_str()));
            found.extend(strangers.map(|to| format!("{from} depends on {to}")));
        }
        for from in PURE {
            let linked = self.reachable_from(from);
            let io = linked.iter().filter(|to| IO.contains(to));
            found.extend(io.map(|to| format!("{from} is linked with {to}, which does I/O")));
        }
        found
    }

    /// Every package that `from` is linked with, itself not counted.
    pub fn reachable_from(&self, from: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(name) = open.pop() {
            for next in self.links.get(name).into_iter().flatten() {
                if reached.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        reached
    }

    /// Curve crates that are there in two versions.
    pub fn doubled_curves(&self) -> Vec<String> {
        let doubled = CURVES
            .iter()
            .filter(|curve| self.versions.iter().filter(|(name, _)| name == *curve).count() > 1);
        doubled.map(|curve| format!("{curve} has two generations")).collect()
    }
}
