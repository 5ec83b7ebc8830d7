/** What the tests of the whole program use, too: `seamless/testing/etcd`. It is not in the package that is published. */
export { createCertificates, type Certificates } from "./certificates.js";
export { EtcdServer, hasEtcd, startCluster, startEtcd, type ServerOptions } from "./etcd-server.js";
export { startWay, type Way } from "./way.js";
