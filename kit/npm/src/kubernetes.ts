// Kubernetes' own words: objects, resources, and where they are.
import { ConfigError } from './errors.js';

/** What every object has; for its other fields give your own type, or one of @kubernetes/client-node or kubernetes-types. */
export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
  [field: string]: any;
}

/** The metadata of an object. */
export interface ObjectMeta {
  name?: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
  [field: string]: any;
}

/** A list as the server answers it. */
export interface List<T> {
  apiVersion?: string;
  kind?: string;
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

/** A group, a version and a resource. */
export interface GroupVersionResource {
  /** Default: the core group, "". */
  group?: string;
  version: string;
  /** The plural name: `deployments`. */
  resource: string;
}

/**
 * Which resource is meant: exactly (`{ group: 'apps', version: 'v1', resource: 'deployments' }`, or `'apps/v1/deployments'`
 * and `'v1/pods'`), or as kubectl is told (`'pods'`, `'deploy'`, `'deployments.apps'`, `'deployments.v1.apps'`).
 */
export type Gvr = string | GroupVersionResource;

/** Where a resource is. */
export interface Resource extends Required<GroupVersionResource> {
  kind: string;
  /** Whether its objects live in namespaces. */
  namespaced: boolean;
}

/** A resource as discovery tells of it. */
export interface DiscoveredResource extends Resource {
  singular: string;
  shortNames: string[];
  categories: string[];
  verbs: string[];
  subresources: string[];
  /** Whether this is the version its group prefers. */
  preferred: boolean;
}

/** What the server serves. */
export interface Discovery {
  resources: DiscoveredResource[];
  /** What could not be asked about, and why. */
  failures: { groupVersion: string; message: string }[];
}

/** As it crosses to the engine. @internal */
export function namedOf(gvr: Gvr): Gvr {
  if (typeof gvr !== 'string') {
    if (typeof gvr?.version === 'string' && typeof gvr.resource === 'string') return gvr;
    throw new ConfigError("`gvr` says which resource: 'v1/pods', 'deploy', or { group, version, resource }");
  }
  const parts = gvr.split('/');
  if (parts.length === 2) return { version: parts[0]!, resource: parts[1]! };
  if (parts.length === 3) return { group: parts[0]!, version: parts[1]!, resource: parts[2]! };
  return gvr;
}
