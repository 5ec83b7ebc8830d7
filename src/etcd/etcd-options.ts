export interface EtcdEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface EtcdTls {
  /** Authorities to trust; those of the system if there are none. */
  readonly ca?: Buffer;
  /** Our own certificate and its key, for an etcd that asks for one. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export interface EtcdLogin {
  readonly user: string;
  readonly password: string;
}

export interface EtcdOptions {
  /** The members of one cluster, in the order in which they are tried. */
  readonly endpoints: readonly EtcdEndpoint[];
  /** If present, connections use TLS. */
  readonly tls?: EtcdTls | undefined;
  readonly login?: EtcdLogin | undefined;
  /** How long one attempt at one endpoint may take; 1,500 by default. */
  readonly callTimeoutMs?: number;
}
