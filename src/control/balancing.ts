/** How new connections are shared out; see docs/services.md. */
export const BALANCINGS = ["round_robin", "least_connections", "source_hash", "random_two_choices"] as const;
export type Balancing = (typeof BALANCINGS)[number];
