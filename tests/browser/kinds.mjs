// One small object each of many kinds, as JSON for kubectl.

const POD = { containers: [{ name: 'main', image: 'example.invalid/none' }] };
const template = { metadata: { labels: { app: 'kinds' } }, spec: { ...POD } };
const selector = { matchLabels: { app: 'kinds' } };
const role = { apiGroup: 'rbac.authorization.k8s.io', name: 'view' };

/** Resource name (as discovery has it) → [apiVersion, kind, the rest of the object]; the cluster-scoped are marked. */
const KINDS = {
  configmaps: ['v1', 'ConfigMap', { data: { a: '1' } }],
  secrets: ['v1', 'Secret', { stringData: { a: '1' } }],
  services: ['v1', 'Service', { spec: { ports: [{ port: 80 }] } }],
  serviceaccounts: ['v1', 'ServiceAccount', {}],
  pods: ['v1', 'Pod', { spec: POD }],
  replicationcontrollers: ['v1', 'ReplicationController', { spec: { replicas: 0, selector: { app: 'kinds' }, template } }],
  limitranges: ['v1', 'LimitRange', { spec: { limits: [{ type: 'Pod', max: { cpu: '64' } }] } }],
  resourcequotas: ['v1', 'ResourceQuota', { spec: { hard: { 'count/podtemplates': '9' } } }],
  podtemplates: ['v1', 'PodTemplate', { template }],
  persistentvolumeclaims: ['v1', 'PersistentVolumeClaim', {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }],
  persistentvolumes: ['v1', 'PersistentVolume', {
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/none' } },
  }, 'cluster'],
  nodes: ['v1', 'Node', {}, 'cluster'],
  'deployments.apps': ['apps/v1', 'Deployment', { spec: { replicas: 0, selector, template } }],
  'replicasets.apps': ['apps/v1', 'ReplicaSet', { spec: { replicas: 0, selector, template } }],
  'statefulsets.apps': ['apps/v1', 'StatefulSet', { spec: { replicas: 0, serviceName: 'none', selector, template } }],
  'daemonsets.apps': ['apps/v1', 'DaemonSet', { spec: { selector, template } }],
  'controllerrevisions.apps': ['apps/v1', 'ControllerRevision', { revision: 1, data: {} }],
  'jobs.batch': ['batch/v1', 'Job', { spec: { suspend: true, template: { spec: { ...POD, restartPolicy: 'Never' } } } }],
  'cronjobs.batch': ['batch/v1', 'CronJob', {
    spec: {
      schedule: '0 0 1 1 *',
      suspend: true,
      jobTemplate: { spec: { template: { spec: { ...POD, restartPolicy: 'Never' } } } },
    },
  }],
  'horizontalpodautoscalers.autoscaling': ['autoscaling/v2', 'HorizontalPodAutoscaler', {
    spec: { maxReplicas: 1, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' } },
  }],
  'ingresses.networking.k8s.io': ['networking.k8s.io/v1', 'Ingress', {
    spec: { defaultBackend: { service: { name: 'none', port: { number: 80 } } } },
  }],
  'ingressclasses.networking.k8s.io': ['networking.k8s.io/v1', 'IngressClass', { spec: { controller: 'example.invalid/none' } }, 'cluster'],
  'networkpolicies.networking.k8s.io': ['networking.k8s.io/v1', 'NetworkPolicy', { spec: { podSelector: {} } }],
  'poddisruptionbudgets.policy': ['policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: 1, selector } }],
  'roles.rbac.authorization.k8s.io': ['rbac.authorization.k8s.io/v1', 'Role', { rules: [] }],
  'rolebindings.rbac.authorization.k8s.io': ['rbac.authorization.k8s.io/v1', 'RoleBinding', { roleRef: { ...role, kind: 'ClusterRole' } }],
  'clusterroles.rbac.authorization.k8s.io': ['rbac.authorization.k8s.io/v1', 'ClusterRole', { rules: [] }, 'cluster'],
  'storageclasses.storage.k8s.io': ['storage.k8s.io/v1', 'StorageClass', { provisioner: 'example.invalid/none' }, 'cluster'],
  'priorityclasses.scheduling.k8s.io': ['scheduling.k8s.io/v1', 'PriorityClass', { value: 1 }, 'cluster'],
  'leases.coordination.k8s.io': ['coordination.k8s.io/v1', 'Lease', { spec: {} }],
};

/** The names of the resources. */
export const RESOURCES = Object.keys(KINDS);

/** One object of each kind, called `name`, as a List. */
export function objects(name, namespace = 'default') {
  const items = RESOURCES.map((resource) => {
    const [apiVersion, kind, rest, scope] = KINDS[resource];
    const metadata = scope === 'cluster' ? { name } : { name, namespace };
    return { apiVersion, kind, metadata, ...rest };
  });
  return { apiVersion: 'v1', kind: 'List', items };
}

/** Deletes what `objects` told kubectl to create. */
export async function removeObjects(cluster, name) {
  // Volumes have finalizers that only a controller would take off.
  const freed = JSON.stringify({ metadata: { finalizers: null } });
  await cluster.kubectl(['patch', '--type=merge', `--patch=${freed}`, '-f', '-'], objects(name));
  await cluster.kubectl(['delete', '--wait=false', '--force', '-f', '-'], objects(name));
}

/** The key an informer on `resource` has for the object called `name`. */
export function keyOf(resource, name, namespace = 'default') {
  return KINDS[resource][3] === 'cluster' ? name : `${namespace}/${name}`;
}
