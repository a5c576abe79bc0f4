// @kubernetes/client-node's informer as a contestant.

import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node';

import { contest, settings } from './contestant.mjs';

const config = new KubeConfig();
config.loadFromOptions({
  clusters: [{ name: 'bench', server: settings.server, skipTLSVerify: true }],
  users: [{ name: 'bench' }],
  contexts: [{ name: 'bench', cluster: 'bench', user: 'bench' }],
  currentContext: 'bench',
});

await contest('@kubernetes/client-node 2.0.1, makeInformer', async (tell) => {
  const api = config.makeApiClient(CoreV1Api);
  const informer = makeInformer(config, '/api/v1/pods', () => api.listPodForAllNamespaces({ resourceVersion: '0' }));
  informer.on('add', tell);
  informer.on('update', tell);
  informer.on('delete', tell);
  informer.on('error', (error) => console.error('client-node:', error));
  await informer.start();
  return () => informer.list();
});
