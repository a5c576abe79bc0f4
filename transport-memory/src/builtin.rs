//! The built-in resources, as the discovery of kube-apiserver 1.36 lists them: every stable version, none that is
//! off by default.
//!
//! One line per resource: plural, kind, scope, then what differs from the ordinary.
//! `verbs=` where not all eight; `short=`, `in=` (categories); `sub=` the subresources served here
//! (port-forward, proxy and token need a kubelet or keys, so they are not listed); `fields=` what a field selector may
//! ask beside name and namespace, as `label` or `label:path`, with `!false` or `!0` after it for the value of a
//! missing field; `store=` whose objects these are, when another version's; `names=` the rule of names, when not a DNS
//! subdomain; `generation` when the server counts changes of the spec; `echo` when a delete answers with the object; `warning=` what its users are told, `_` for a space.

/// The table. A line `= group/version` begins each group and version, the preferred version of a group first.
pub(crate) const TABLE: &str = "\
= v1
bindings Binding namespaced verbs=create
componentstatuses ComponentStatus cluster verbs=get,list short=cs warning=v1_ComponentStatus_is_deprecated_in_v1.19+
configmaps ConfigMap namespaced short=cm
endpoints Endpoints namespaced short=ep warning=v1_Endpoints_is_deprecated_in_v1.33+;_use_discovery.k8s.io/v1_EndpointSlice
events Event namespaced short=ev fields=involvedObject.kind,involvedObject.namespace,involvedObject.name,involvedObject.uid,involvedObject.apiVersion,involvedObject.resourceVersion,involvedObject.fieldPath,reason,reportingComponent,source:source.component,type
limitranges LimitRange namespaced short=limits
namespaces Namespace cluster verbs=create,delete,get,list,patch,update,watch short=ns sub=finalize,status names=label fields=status.phase echo
nodes Node cluster short=no sub=status fields=spec.unschedulable!false
persistentvolumeclaims PersistentVolumeClaim namespaced short=pvc sub=status echo
persistentvolumes PersistentVolume cluster short=pv sub=status echo
pods Pod namespaced short=po in=all sub=attach,binding,ephemeralcontainers,eviction,exec,log,resize,status fields=spec.nodeName,spec.restartPolicy,spec.schedulerName,spec.serviceAccountName,spec.hostNetwork!false,status.phase,status.podIP,status.nominatedNodeName generation echo
podtemplates PodTemplate namespaced generation echo
replicationcontrollers ReplicationController namespaced short=rc in=all sub=scale,status fields=status.replicas!0 generation
resourcequotas ResourceQuota namespaced short=quota sub=status echo
secrets Secret namespaced fields=type
serviceaccounts ServiceAccount namespaced short=sa echo
services Service namespaced short=svc in=all sub=status names=label fields=spec.clusterIP,spec.type echo
= apiregistration.k8s.io/v1
apiservices APIService cluster in=api-extensions sub=status
= apps/v1
controllerrevisions ControllerRevision namespaced
daemonsets DaemonSet namespaced short=ds in=all sub=status generation
deployments Deployment namespaced short=deploy in=all sub=scale,status generation
replicasets ReplicaSet namespaced short=rs in=all sub=scale,status generation
statefulsets StatefulSet namespaced short=sts in=all sub=scale,status generation
= events.k8s.io/v1
events Event namespaced short=ev store=events fields=regarding.kind:involvedObject.kind,regarding.namespace:involvedObject.namespace,regarding.name:involvedObject.name,regarding.uid:involvedObject.uid,regarding.apiVersion:involvedObject.apiVersion,regarding.resourceVersion:involvedObject.resourceVersion,regarding.fieldPath:involvedObject.fieldPath,reason,reportingController:reportingComponent,type
= authentication.k8s.io/v1
selfsubjectreviews SelfSubjectReview cluster verbs=create
tokenreviews TokenReview cluster verbs=create
= authorization.k8s.io/v1
localsubjectaccessreviews LocalSubjectAccessReview namespaced verbs=create
selfsubjectaccessreviews SelfSubjectAccessReview cluster verbs=create
selfsubjectrulesreviews SelfSubjectRulesReview cluster verbs=create
subjectaccessreviews SubjectAccessReview cluster verbs=create
= autoscaling/v2
horizontalpodautoscalers HorizontalPodAutoscaler namespaced short=hpa in=all sub=status
= batch/v1
cronjobs CronJob namespaced short=cj in=all sub=status generation
jobs Job namespaced in=all sub=status fields=status.successful:status.succeeded!0 generation
= certificates.k8s.io/v1
certificatesigningrequests CertificateSigningRequest cluster short=csr sub=approval,status fields=spec.signerName
= networking.k8s.io/v1
ingressclasses IngressClass cluster generation
ingresses Ingress namespaced short=ing sub=status generation
ipaddresses IPAddress cluster short=ip
networkpolicies NetworkPolicy namespaced short=netpol generation
servicecidrs ServiceCIDR cluster sub=status
= policy/v1
poddisruptionbudgets PodDisruptionBudget namespaced short=pdb sub=status generation
= rbac.authorization.k8s.io/v1
clusterrolebindings ClusterRoleBinding cluster names=segment
clusterroles ClusterRole cluster names=segment
rolebindings RoleBinding namespaced names=segment
roles Role namespaced names=segment
= storage.k8s.io/v1
csidrivers CSIDriver cluster echo
csinodes CSINode cluster echo
csistoragecapacities CSIStorageCapacity namespaced
storageclasses StorageClass cluster short=sc echo
volumeattachments VolumeAttachment cluster sub=status echo
volumeattributesclasses VolumeAttributesClass cluster short=vac echo
= admissionregistration.k8s.io/v1
mutatingadmissionpolicies MutatingAdmissionPolicy cluster in=api-extensions generation
mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding cluster in=api-extensions generation
mutatingwebhookconfigurations MutatingWebhookConfiguration cluster in=api-extensions generation
validatingadmissionpolicies ValidatingAdmissionPolicy cluster in=api-extensions sub=status generation
validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding cluster in=api-extensions generation
validatingwebhookconfigurations ValidatingWebhookConfiguration cluster in=api-extensions generation
= apiextensions.k8s.io/v1
customresourcedefinitions CustomResourceDefinition cluster short=crd,crds in=api-extensions sub=status generation
= scheduling.k8s.io/v1
priorityclasses PriorityClass cluster short=pc generation
= coordination.k8s.io/v1
leases Lease namespaced
= node.k8s.io/v1
runtimeclasses RuntimeClass cluster
= discovery.k8s.io/v1
endpointslices EndpointSlice namespaced generation
= resource.k8s.io/v1
deviceclasses DeviceClass cluster generation echo
resourceclaims ResourceClaim namespaced sub=status echo
resourceclaimtemplates ResourceClaimTemplate namespaced echo
resourceslices ResourceSlice cluster fields=spec.nodeName,spec.driver generation echo
= flowcontrol.apiserver.k8s.io/v1
flowschemas FlowSchema cluster sub=status generation
prioritylevelconfigurations PriorityLevelConfiguration cluster sub=status generation
";
