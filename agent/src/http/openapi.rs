//! The description of the agent for programs (`OpenAPI` 3.1), made from the table of routes.

use besace_protocol::{problem::ProblemType, wire::PROBLEM_MEDIA_TYPE};
use serde_json::{Map, Value, json};

use super::{
    claim,
    refusal::Refusal,
    routes::{Gives, ROUTES, Route, Takes, Who},
    session::cookie_name,
};

/// Schemas and parameters: the `components` of `OpenAPI`.
const COMPONENTS: &str = include_str!("schemas.json");

/// The description of the agent that listens at `port`. Fails only where `schemas.json` is not JSON.
pub fn openapi(port: u16) -> Result<Value, serde_json::Error> {
    let mut components: Value = serde_json::from_str(COMPONENTS)?;
    if let Value::Object(components) = &mut components {
        let session = json!({ "type": "apiKey", "in": "cookie", "name": cookie_name(port) });
        let device = json!({ "type": "http", "scheme": "basic" });
        let token = json!({ "type": "http", "scheme": "bearer" });
        let claim = json!({ "type": "apiKey", "in": "cookie", "name": claim::cookie_name(port) });
        let schemes =
            json!({ "session": session, "claim": claim, "device": device, "token": token });
        components.insert("securitySchemes".to_owned(), schemes);
    }
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            path.insert(route.method.as_str().to_lowercase(), operation(route));
        }
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Besace agent",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Her pages, for her own browser on her own machine. Whatever changes \
                something carries `Origin` or `Sec-Fetch-Site`, and they must be ours; devices are \
                no browsers and carry neither. Whoever accepts `text/html` is answered with a page.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": components,
    }))
}

fn operation(route: &Route) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), json!(route.name));
    operation.insert("summary".to_owned(), json!(route.summary));
    let parameters: Vec<Value> = parameters(route)
        .map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }))
        .collect();
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), json!(parameters));
    }
    if let Some(takes) = &route.takes {
        operation.insert("requestBody".to_owned(), body(takes));
    }
    // One of these: each app has its own way to say who it is.
    let security: &[&str] = match route.who {
        // What a delegate calls says who, and is signed.
        Who::Everybody | Who::Delegate => &[],
        Who::Claimant => &["claim"],
        Who::Owner => &["session"],
        Who::Device => &["device", "token"],
    };
    if !security.is_empty() {
        let schemes: Vec<Value> = security.iter().map(|scheme| json!({ (*scheme): [] })).collect();
        operation.insert("security".to_owned(), json!(schemes));
    }
    operation.insert("responses".to_owned(), responses(route));
    Value::Object(operation)
}

/// The names in braces.
fn parameters(route: &Route) -> impl Iterator<Item = &'static str> {
    route.path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default())
}

fn body(takes: &Takes) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{}", takes.schema) });
    json!({
        "required": !takes.or_nothing,
        "description": format!("At most {} bytes.", takes.len_max),
        "x-bytes-max": takes.len_max,
        "content": { (takes.media_type): { "schema": schema } },
    })
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let page = json!({ "schema": { "type": "string" } });
    let other = json!({ "description": "Look there.", "headers": { "Location": { "schema": { "type": "string" } } } });
    let well = match route.gives {
        Gives::Page => json!({ "text/html; charset=utf-8": page }),
        Gives::SeeOther => Value::Null,
        Gives::Asset => json!({ "text/css; charset=utf-8": page, "image/svg+xml": page }),
        Gives::File => {
            let file = json!({ "schema": { "type": "string", "format": "binary" } });
            json!({ "application/octet-stream": file })
        }
        Gives::Json(name) => {
            let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
            json!({ "application/json": { "schema": schema } })
        }
    };
    if !well.is_null() {
        responses.insert("200".to_owned(), json!({ "description": "Done.", "content": well }));
    }
    // A person without a session is led to where the passphrase is asked for.
    if matches!(route.gives, Gives::Page | Gives::SeeOther | Gives::File) {
        responses.insert("303".to_owned(), other);
    }
    let mut problems = problems(route);
    problems.sort_by_key(|problem| Refusal::of(*problem).status());
    for group in problems.chunk_by(|a, b| status(*a) == status(*b)) {
        let Some(first) = group.first() else { continue };
        let keys: Vec<&str> = group.iter().map(|problem| problem.key()).collect();
        let schema = json!({
            "$ref": "#/components/schemas/Problem",
            "properties": { "key": { "enum": keys } },
        });
        let content = json!({
            (PROBLEM_MEDIA_TYPE): { "schema": schema },
            "text/html; charset=utf-8": { "schema": { "type": "string" } },
        });
        let response = json!({ "description": keys.join(", "), "content": content });
        responses.insert(status(*first).to_string(), response);
    }
    Value::Object(responses)
}

fn status(problem: ProblemType) -> u16 {
    Refusal::of(problem).status().as_u16()
}

/// Everything that a route may say: by its caller, by its body, and of its own.
pub fn problems(route: &Route) -> Vec<ProblemType> {
    let mut problems = route.problems.to_vec();
    problems.extend([
        ProblemType::ForeignOrigin,
        ProblemType::TooLarge,
        ProblemType::MethodNotAllowed,
        ProblemType::Internal,
    ]);
    if route.takes.is_some() {
        problems.extend([ProblemType::Malformed, ProblemType::MediaType]);
    }
    match route.who {
        Who::Everybody => {}
        Who::Claimant => problems.extend([ProblemType::Unauthorized, ProblemType::NoRoom]),
        Who::Owner | Who::Device | Who::Delegate => {
            if route.who != Who::Delegate {
                problems.push(ProblemType::Unauthorized);
            }
            problems.extend([
                ProblemType::Locked,
                ProblemType::WentBack,
                ProblemType::Damaged,
                ProblemType::NoRoom,
                ProblemType::ClockInDoubt,
                ProblemType::Unmarked,
            ]);
        }
    }
    problems.sort_unstable();
    problems.dedup();
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value.as_str() {
                        Some(text) if name == "$ref" => found.push(text),
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn whatever_the_description_names_it_explains() {
        let description = openapi(7878).unwrap();
        let mut found = Vec::new();
        references(&description, &mut found);
        assert!(found.len() > ROUTES.len());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(description.pointer(pointer).is_some(), "add {reference} to http/schemas.json");
        }
    }
}
