// An authority that is not ours, for OidcProviderTests: npm's oidc-provider on TLS. Arguments: folder of its packages,
// certificate file, key file. Prints its issuer when it listens; lives until its standard input ends.
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [packages, cert, key] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${packages}/`));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));
const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

const server = createServer({ cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.3' });
server.listen(0, '127.0.0.1', () => {
  const issuer = `https://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...jwk, use: 'sig', alg: 'ES256', kid: 'one' }] },
    clients: [{
      client_id: 'invoices', client_secret: 'for-this-test-only', grant_types: ['client_credentials'],
      redirect_uris: [], response_types: [], id_token_signed_response_alg: 'ES256',
    }],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:lepton',
        getResourceServerInfo: () => ({
          scope: 'infer', audience: 'lepton', accessTokenFormat: 'jwt', accessTokenTTL: 600,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    extraTokenClaims: () => ({ tenant: 'harbour-bank' }),
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
process.stdin.on('end', () => process.exit(0)).resume();
