// SPDX-License-Identifier: Apache-2.0

// Package pod makes the pods of the benchmarks: what a Deployment of an ordinary web service with a side car leaves
// with the API server, before any webhook has seen it.
package pod

import (
	"encoding/json"
	"fmt"
)

type object = map[string]any
type list = []any

// Options say in what pods differ.
type Options struct {
	Name, Namespace, App string
	RuntimeClass         string            // "" for an ordinary pod
	Settings             int               // environment variables of the first container: sets the size, 10 make 7 KB
	Admitted             bool              // as the API server gives it to admission: with times and managed fields
	Images               []string          // of one container or two; none: some
	Annotations          map[string]string // besides its own
}

var someImages = []string{
	"registry.example.com/orders/backend@sha256:3d1a4c3f5b7e9a0c2d4f6b8e1a3c5d7f9b0e2a4c6d8f1b3e5a7c9d0f2b4e6a8c",
	"registry.example.com/platform/exporter@sha256:8c6a4e2b0f9d7c5a3e1b8f6d4c2a0e9b7f5d3c1a8e6b4f2d0c9a7e5b3f1d8c6a",
}

// JSON is the pod as text.
func JSON(o Options) []byte {
	metadata := object{
		"name": o.Name, "namespace": o.Namespace,
		"labels": object{
			"app.kubernetes.io/name": o.App, "app.kubernetes.io/instance": o.App + "-production",
			"app.kubernetes.io/version": "4.17.2", "app.kubernetes.io/component": "backend",
			"app.kubernetes.io/part-of": "orders", "app.kubernetes.io/managed-by": "Helm",
			"pod-template-hash": "6f7d9c8b54",
		},
		"annotations": object{
			"prometheus.io/scrape": "true", "prometheus.io/port": "9102", "prometheus.io/path": "/metrics",
			"checksum/config":                       "4f0c1a7e5b1e6c0f36a2b2b1c54a9b0be6f1c8f7f5d9a0e1c2b3a4958677f6e5",
			"cluster-autoscaler.example/safe":       "true",
			"kubectl.kubernetes.io/restartedAt":     "2026-05-04T09:12:44Z",
			"sidecar.logging.example/configuration": `{"format":"json","level":"info","drop":["healthz"]}`,
		},
		"ownerReferences": list{object{
			"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": o.App + "-6f7d9c8b54",
			"uid": "9a1f6b52-6d0e-4a39-8c9b-0d4f2b8e7c11", "controller": true, "blockOwnerDeletion": true,
		}},
	}
	for name, value := range o.Annotations {
		metadata["annotations"].(object)[name] = value
	}
	if o.Admitted {
		metadata["creationTimestamp"] = nil
		metadata["generateName"] = o.App + "-6f7d9c8b54-"
		metadata["managedFields"] = managed()
	}
	text, err := json.Marshal(object{
		"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec(o), "status": object{},
	})
	if err != nil {
		panic(err) // nothing in it can fail
	}
	return text
}

func spec(o Options) object {
	out := object{
		"volumes": list{
			object{"name": "config", "configMap": object{"name": o.App + "-config", "defaultMode": 420}},
			object{"name": "scratch", "emptyDir": object{"sizeLimit": "1Gi"}},
			object{"name": "kube-api-access-x7k2p", "projected": object{"defaultMode": 420, "sources": list{
				object{"serviceAccountToken": object{"expirationSeconds": 3607, "path": "token"}},
				object{"configMap": object{"name": "kube-root-ca.crt",
					"items": list{object{"key": "ca.crt", "path": "ca.crt"}}}},
				object{"downwardAPI": object{"items": list{object{"path": "namespace",
					"fieldRef": object{"apiVersion": "v1", "fieldPath": "metadata.namespace"}}}}},
			}}},
		},
		"containers":    containers(o),
		"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
		"serviceAccountName": "default", "serviceAccount": "default",
		"securityContext": object{"runAsNonRoot": true, "runAsUser": 10001, "fsGroup": 10001,
			"seccompProfile": object{"type": "RuntimeDefault"}},
		"schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true,
		"preemptionPolicy": "PreemptLowerPriority",
		"tolerations": list{
			object{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
				"tolerationSeconds": 300},
			object{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute",
				"tolerationSeconds": 300},
		},
		"affinity": object{"podAntiAffinity": object{"preferredDuringSchedulingIgnoredDuringExecution": list{
			object{"weight": 100, "podAffinityTerm": object{"topologyKey": "kubernetes.io/hostname",
				"labelSelector": object{"matchLabels": object{"app.kubernetes.io/name": o.App}}}},
		}}},
		"topologySpreadConstraints": list{object{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
			"whenUnsatisfiable": "ScheduleAnyway",
			"labelSelector":     object{"matchLabels": object{"app.kubernetes.io/name": o.App}}}},
	}
	if o.RuntimeClass != "" {
		out["runtimeClassName"] = o.RuntimeClass
	}
	return out
}

func containers(o Options) list {
	images := o.Images
	if len(images) == 0 {
		images = someImages
	}
	out := list{container("app", images[0], 8080, o.Settings)}
	if len(images) > 1 {
		out = append(out, container("metrics", images[1], 9102, o.Settings/3))
	}
	return out
}

func container(name, image string, port, settings int) object {
	env := list{
		object{"name": "POD_NAME", "valueFrom": object{"fieldRef": object{"apiVersion": "v1",
			"fieldPath": "metadata.name"}}},
		object{"name": "POD_IP", "valueFrom": object{"fieldRef": object{"apiVersion": "v1",
			"fieldPath": "status.podIP"}}},
	}
	for i := range settings {
		env = append(env, object{"name": fmt.Sprintf("ORDERS_SETTING_%02d", i),
			"value": fmt.Sprintf("https://service-%02d.orders.svc:8443/v1", i)})
	}
	probe := func(path string, period int) object {
		return object{"httpGet": object{"path": path, "port": port, "scheme": "HTTP"}, "timeoutSeconds": 1,
			"periodSeconds": period, "successThreshold": 1, "failureThreshold": 3, "initialDelaySeconds": 5}
	}
	return object{
		"name": name, "image": image, "args": list{"--listen", fmt.Sprintf(":%d", port), "--config", "/etc/orders/config.yaml"},
		"ports": list{object{"name": "http", "containerPort": port, "protocol": "TCP"}},
		"env":   env,
		"resources": object{"limits": object{"cpu": "2", "memory": "1Gi"},
			"requests": object{"cpu": "250m", "memory": "512Mi"}},
		"volumeMounts": list{
			object{"name": "config", "mountPath": "/etc/orders", "readOnly": true},
			object{"name": "scratch", "mountPath": "/var/cache/orders"},
			object{"name": "kube-api-access-x7k2p", "readOnly": true,
				"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
		},
		"livenessProbe": probe("/healthz", 10), "readinessProbe": probe("/readyz", 5),
		"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
		"imagePullPolicy": "Always",
		"securityContext": object{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
			"capabilities": object{"drop": list{"ALL"}}},
	}
}

func managed() list {
	fields := object{
		"f:metadata": object{
			"f:generateName":    object{},
			"f:labels":          object{".": object{}, "f:app.kubernetes.io/name": object{}, "f:pod-template-hash": object{}},
			"f:ownerReferences": object{".": object{}, `k:{"uid":"9a1f6b52-6d0e-4a39-8c9b-0d4f2b8e7c11"}`: object{}},
		},
		"f:spec": object{
			"f:containers": object{`k:{"name":"app"}`: object{".": object{}, "f:image": object{}, "f:name": object{},
				"f:args": object{}, "f:env": object{}, "f:ports": object{}, "f:resources": object{}}},
			"f:dnsPolicy": object{}, "f:restartPolicy": object{}, "f:schedulerName": object{},
			"f:securityContext": object{}, "f:terminationGracePeriodSeconds": object{}, "f:volumes": object{},
		},
	}
	return list{object{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
		"time": "2026-05-04T09:12:45Z", "fieldsType": "FieldsV1", "fieldsV1": fields}}
}
