// Verifies both signatures of every grant in a folder of evidence with the library `jose`. spec/encoding.md.
//
//     node grant.mjs EVIDENCE POLICY
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { generalVerify, importJWK, decodeProtectedHeader } from 'jose'

const [evidence, policyFile] = process.argv.slice(2)
const policy = JSON.parse(readFileSync(policyFile, 'utf8'))
const decode = (text) => JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))

function* grants(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name)
    if (!entry.isFile() || !path.includes('/openings/')) continue
    for (const line of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
      const record = Buffer.from(JSON.parse(line).record, 'base64url').toString('utf8')
      const document = JSON.parse(record)
      if (document.signatures?.length === 2) yield [path, document]
    }
  }
}

/** Throws unless the one signature is that of `x`, under the algorithm's own name (RFC 9864). */
async function verify({ payload }, signature, x) {
  const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'Ed25519')
  await generalVerify({ payload, signatures: [signature] }, key, { algorithms: ['Ed25519'] })
}

let count = 0
for (const [path, document] of grants(join(evidence, 'logs'))) {
  const grant = decode(document.payload)
  const retailer = policy.controllers.find((one) => one.domain === grant.controller)
  const keys = { controller: retailer.key, subject: grant.subject_key }
  for (const signature of document.signatures) {
    const { typ, role } = decodeProtectedHeader({ payload: document.payload, signatures: [signature], ...signature })
    if (typ !== 'besace-grant+jws') throw new Error(`${path}: ${typ}`)
    await verify(document, signature, keys[role])
    delete keys[role]
    // Neither other words, nor another's key.
    const others = structuredClone(document)
    others.payload = Buffer.from(Buffer.from(document.payload, 'base64url').toString('utf8').replace('"v":1', '"v":2')).toString('base64url')
    const refused = await verify(others, signature, retailer.key).then(() => false, () => true)
    const foreign = await verify(document, signature, role === 'subject' ? retailer.key : grant.subject_key).then(() => false, () => true)
    if (!refused || !foreign) throw new Error(`${path}: a signature that is none was taken`)
  }
  if (Object.keys(keys).length > 0) throw new Error(`${path}: not signed by both`)
  count++
}
if (count === 0) throw new Error('no grant in the evidence')
console.log(`jose: ${count} grants passed, 0 failed`)
