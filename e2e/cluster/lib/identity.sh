# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
#
# Who is who in the cluster: one certificate authority, the API server's
# certificates, a token for each user, and their kubeconfig files.

make_certificates() {
    local names="DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
    names+=",DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$service_address,IP:$machine_address"
    (
        cd "$dir/pki"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
            -subj /CN=cocoon-test-cluster -addext basicConstraints=critical,CA:true \
            -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.crt
        issue kube-apiserver /CN=kube-apiserver "subjectAltName=$names" serverAuth
        # With this one the API server calls the kubelet (logs, exec).
        issue kubelet-client /CN=kube-apiserver "subjectAltName=DNS:kube-apiserver" clientAuth
        openssl genrsa -out sa.key 2048
    ) >>"$dir/log/pki.log" 2>&1 || die "openssl could not make the cluster's certificates" "see $dir/log/pki.log"
}

# issue NAME SUBJECT EXTENSION USAGE
issue() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 \
        -extfile <(printf '%s\nextendedKeyUsage=%s\nkeyUsage=digitalSignature\n' "$3" "$4") -out "$1.crt"
}

# make_users writes the token file (token,user,uid,"groups") and a kubeconfig
# for each user. Tenants have no rights until a test gives them some.
make_users() {
    : >"$dir/pki/tokens.csv"
    add_user admin admin system:masters
    add_user tenant-a tenant-a tenants
    add_user tenant-b tenant-b tenants
    add_user controller-manager system:kube-controller-manager ""
    add_user scheduler system:kube-scheduler ""
    add_user kubelet "system:node:$node_name" system:nodes
}

# add_user FILE USER GROUP
add_user() {
    local token
    token=$(openssl rand -hex 24)
    printf '%s,%s,%s,"%s"\n' "$token" "$2" "$1" "$3" >>"$dir/pki/tokens.csv"
    cat >"$dir/$1.kubeconfig" <<END
apiVersion: v1
kind: Config
current-context: cocoon
clusters:
- name: cocoon
  cluster:
    server: https://127.0.0.1:$api_port
    certificate-authority-data: $(base64 -w0 "$dir/pki/ca.crt")
users:
- name: $1
  user:
    token: $token
contexts:
- name: cocoon
  context:
    cluster: cocoon
    user: $1
END
    chmod 600 "$dir/$1.kubeconfig"
}
