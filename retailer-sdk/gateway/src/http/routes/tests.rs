use super::*;

#[test]
fn the_specification_lists_every_address() {
    let page = include_str!("../../../../../spec/http.md");
    let missing: Vec<String> = ROUTES
        .iter()
        .map(|route| format!("{}{}", route.path, route.tail.split("/{").next().unwrap_or("")))
        .filter(|address| {
            !page.contains(&format!("{address}`")) && !page.contains(&format!("{address}/"))
        })
        .collect();
    assert!(missing.is_empty(), "add to spec/http.md: {missing:?}");
}

#[test]
fn a_name_stands_once() {
    for (index, route) in ROUTES.iter().enumerate() {
        assert!(ROUTES.iter().skip(index + 1).all(|other| other.name != route.name), "{route:?}");
    }
}
