// What @kubernetes/client-node does with a list: JSON.parse, then its serializer, which makes objects of its classes.
import { ObjectSerializer } from './client-node/models/ObjectSerializer.js';

import { store } from './javascript.mjs';

export const sync = () => store((list) => ObjectSerializer.deserialize(list, 'V1PodList', '').items);
