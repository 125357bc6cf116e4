"""Reads receipts with a JSON-LD processor of others, the library `rdflib`: they say as a graph what they say as JSON. spec/receipt.md.

    python graph.py FOLDER...

A member that a processor does not know it drops without a word. So the statements are counted, and of each it is looked at what it is about and
in whose words; without one prefix of its context a receipt must fail.
"""

import datetime
import json
import pathlib
import sys

import rdflib

RDF_JSON = rdflib.URIRef("http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON")
XSD = "http://www.w3.org/2001/XMLSchema#"
DPV = "https://w3id.org/dpv#"
# Where the names lie that somebody else gave.
NAMESPACES = {"dct": "http://purl.org/dc/terms/", "dpv": DPV, "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#", "pd": "https://w3id.org/dpv/pd#",
              "skos": "http://www.w3.org/2004/02/skos/core#", "xsd": XSD, "besace": "urn:besace:term:"}
# What a name that is not absolute would become: nobody's.
NOWHERE = "https://nowhere.example/"
STATES = """
PREFIX dpv: <https://w3id.org/dpv#>
SELECT ?state WHERE {
  ?receipt a dpv:ConsentReceipt ; dpv:hasRecordOfActivity ?record .
  ?record a dpv:ConsentRecord ; dpv:hasConsentStatus ?status .
  ?status a ?state . OPTIONAL { ?status dpv:isIndicatedAtTime ?at . }
} ORDER BY ?at"""
PURPOSES = """
PREFIX dpv: <https://w3id.org/dpv#> PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?purpose ?broader WHERE {
  ?record a dpv:ConsentRecord ; dpv:hasProcess ?process .
  ?process dpv:hasPurpose ?purpose . ?purpose skos:broader ?broader .
}"""


def values(one):
    return one if isinstance(one, list) else [one]


def statements(node, place=()):
    """What a node states, and what those state that it is about: who has a name says one thing once, wherever it stands."""
    if not isinstance(node, dict) or "@value" in node:
        return set()
    who = node.get("@id", place)
    told = {(who, "@type", one) for one in values(node.get("@type", []))}
    for name, many in node.items():
        for number, one in enumerate([] if name.startswith("@") else values(many)):
            there = (*place, name, number)
            told |= {(who, name, one.get("@id", there) if isinstance(one, dict) else one)} | statements(one, there)
    return told


def signed(value):
    """The JSON that stands in a receipt as it was signed."""
    if isinstance(value, list):
        return [text for one in value for text in signed(one)]
    if not isinstance(value, dict):
        return []
    if value.get("@type") == "@json":
        return [json.dumps(value["@value"], sort_keys=True)]
    return [text for one in value.values() for text in signed(one)]


def fault(receipt):
    """What is not as it should be about a receipt, or nothing."""
    if receipt["@context"] != NAMESPACES:
        return f"another context: {receipt['@context']}"
    return graph_fault(receipt)


def graph_fault(receipt):
    graph = rdflib.Graph().parse(data=json.dumps(receipt), format="json-ld", publicID=NOWHERE)
    if len(graph) != len(statements(receipt)):
        return f"{len(graph)} statements, and not {len(statements(receipt))}"
    record = receipt["dpv:hasRecordOfActivity"][0]
    controller = record["dpv:hasProcess"][0]["dpv:hasDataController"][0]["@id"]
    ours = (*NAMESPACES.values(), record["@id"], controller, str(rdflib.RDF))
    # `URIRef` has a `startswith` of its own, which takes no tuple.
    for name in {str(one) for statement in graph for one in statement if isinstance(one, rdflib.URIRef)}:
        if not name.startswith(ours):
            return f"in nobody's words: {name}"
    literals = [one for one in graph.objects() if isinstance(one, rdflib.Literal)]
    for one in literals:
        if one.datatype and one.datatype.startswith(XSD) and (one.ill_typed or one.value is None):
            return f"not of its type: {one!r}"
    # A moment is one, and not a text that looks like it.
    if not any(isinstance(one.value, datetime.datetime) for one in literals):
        return "no moment"
    kept = sorted(json.dumps(json.loads(one), sort_keys=True) for one in literals if one.datatype == RDF_JSON)
    if kept != sorted(set(signed(receipt))):
        return "what was signed is not there as it was signed"
    states = [str(row.state).removeprefix(DPV) for row in graph.query(STATES)]
    if states[-1:] != [receipt["@id"].rpartition("#")[2]]:
        return f"the states are {states}"
    purposes = [(str(row.purpose), str(row.broader)) for row in graph.query(PURPOSES)]
    if len(purposes) != 1 or not purposes[0][0].startswith(NAMESPACES["besace"]) or not purposes[0][1].startswith(DPV):
        return f"the purposes are {purposes}"
    return None


def main(*folders):
    count = 0
    for path in sorted(path for folder in folders for path in pathlib.Path(folder).glob("*.json")):
        receipt = json.loads(path.read_bytes())
        if found := fault(receipt):
            sys.exit(f"{path}: {found}")
        for prefix in NAMESPACES:
            rest = {name: where for name, where in NAMESPACES.items() if name != prefix}
            if not graph_fault({**receipt, "@context": rest}):
                sys.exit(f"{path}: good without {prefix}")
        count += 1 + len(NAMESPACES)
    if count < 12 * 8:
        sys.exit(f"only {count} were read")
    print(f"graphs: {count} passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
