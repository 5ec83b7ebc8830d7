import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Files of an authority, and of a server and a client that it has certified. */
export interface Certificates {
  readonly ca: string;
  readonly server: Pair;
  readonly client: Pair;
  readonly read: (path: string) => Buffer;
}

/** @param names whom the server's and the client's certificate are for, as openssl writes it */
export function createCertificates(t: TestContext, names = "IP:127.0.0.1"): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "seamless-tls-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);
  const openssl = (...options: string[]): void =>
    void execFileSync("openssl", options, { cwd: folder, stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2");
  const certify = (name: string): Pair => {
    const extensions = `${name}.ext`;
    writeFileSync(at(extensions), `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    openssl("req", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signer, "-extfile", extensions, "-out", `${name}.pem`);
    return { cert: at(`${name}.pem`), key: at(`${name}.key`) };
  };
  return {
    ca: at("ca.pem"),
    server: certify("server"),
    client: certify("client"),
    read: (path) => readFileSync(path),
  };
}
