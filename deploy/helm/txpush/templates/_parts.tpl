{{/* The components that are wanted, with a space between. */}}
{{- define "txpush.components" -}}
{{- $wanted := list "bridge" "agent" "institutions" }}
{{- range list "executor" "canary" "auditor" "snapshot" "sweep" }}
{{- if (index $.Values .).enabled }}{{ $wanted = append $wanted . }}{{ end }}
{{- end }}
{{- join " " $wanted }}
{{- end }}

{{/* The release, short enough that the longest name made of it is still a label with a revision behind it. */}}
{{- define "txpush.release" -}}
{{ .Release.Name | trunc 39 | trimSuffix "-" }}
{{- end }}

{{/* Whose pods: labels that never change. */}}
{{- define "txpush.selector" -}}
app.kubernetes.io/name: txpush
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "txpush.labels" -}}
{{ include "txpush.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "txpush.name" -}}
{{ include "txpush.release" .root }}-{{ .component }}
{{- end }}

{{- define "txpush.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* The settings of a component: those of all, its own, and what the chart itself sees to. */}}
{{- define "txpush.settings" -}}
{{- $values := index .root.Values .component -}}
{{- $kafka := .root.Values.kafka -}}
{{- $all := dict "admin_host" "0.0.0.0" "admin_port" .root.Values.adminPort -}}
{{- $all = mergeOverwrite $all (deepCopy .root.Values.settings) (deepCopy $values.settings) -}}
{{- $protocol := $all.kafka_security_protocol | default "PLAINTEXT" -}}
{{- if hasPrefix "SASL" $protocol -}}
{{- $_ := set $all "kafka_username" (print $kafka.userPrefix .component) -}}
{{- else -}}
{{- $_ := unset $all "kafka_sasl_mechanism" -}}
{{- end -}}
{{- if and $kafka.caSecret (hasSuffix "SSL" $protocol) -}}
{{- $_ := set $all "kafka_ca_file" "/etc/txpush/kafka/ca.crt" -}}
{{- end -}}
{{- if and $kafka.clientCertificate (hasSuffix "SSL" $protocol) -}}
{{- $_ := set $all "kafka_certificate_file" "/etc/txpush/kafka/user.crt" -}}
{{- $_ := set $all "kafka_key_file" "/etc/txpush/kafka/user.key" -}}
{{- end -}}
{{- toYaml $all -}}
{{- end }}

{{/* Numbers as they were written: large ones would become 6.7e+07. */}}
{{- define "txpush.written" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{- define "txpush.environment" -}}
{{- range $name, $value := include "txpush.settings" . | fromYaml }}
- name: TXPUSH_{{ $name | upper }}
  value: {{ include "txpush.written" $value | quote }}
{{- end }}
{{- if include "txpush.secret-files" . }}
- name: TXPUSH_SECRETS_DIR
  value: /run/secrets/txpush
{{- end }}
{{- end }}

{{/* Time for the orderly stop, for the pause before it, and to spare: a kill must never be what ends a process. */}}
{{- define "txpush.grace" -}}
{{- $settings := include "txpush.settings" . | fromYaml -}}
{{ add (ceil (float64 ($settings.shutdown_seconds | default 10))) 20 }}
{{- end }}

{{/* Liveness asks whether the process turns, so a broker that is away restarts nobody; readiness says what is wrong. */}}
{{- define "txpush.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 5
  timeoutSeconds: 4
  failureThreshold: 24
livenessProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 10
  timeoutSeconds: 4
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 5
  timeoutSeconds: 4
  failureThreshold: 2
{{- end }}

{{/* What a container of ours may do: nothing but its work. */}}
{{- define "txpush.confined" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "txpush.pod" -}}
serviceAccountName: {{ include "txpush.release" .root }}-txpush
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "txpush.grace" . }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ $key }}
    maxSkew: 1
    whenUnsatisfiable: {{ $.root.Values.spread.whenUnsatisfiable }}
    labelSelector:
      matchLabels: {{ include "txpush.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}

{{- define "txpush.mounts" -}}
{{- if include "txpush.secret-files" . }}
- {name: secrets, mountPath: /run/secrets/txpush, readOnly: true}
{{- end }}
{{- if include "txpush.kafka-files" . }}
- {name: kafka, mountPath: /etc/txpush/kafka, readOnly: true}
{{- end }}
{{- end }}

{{/* Who signs the brokers' certificates, and our own certificate where the brokers ask for one. */}}
{{- define "txpush.kafka-files" -}}
{{- $kafka := .root.Values.kafka -}}
{{- $settings := include "txpush.settings" . | fromYaml -}}
{{- if $settings.kafka_ca_file }}
- secret:
    name: {{ $kafka.caSecret }}
    items: [{key: {{ $kafka.caKey }}, path: ca.crt}]
{{- end }}
{{- if $settings.kafka_certificate_file }}
- secret:
    name: {{ $kafka.userPrefix }}{{ .component }}
    items: [{key: user.crt, path: user.crt}, {key: user.key, path: user.key}]
{{- end }}
{{- end }}

{{/* Each component sees the secrets that it uses, as files, and no others. */}}
{{- define "txpush.secret-files" -}}
{{- $wanted := dict
    "bridge" (list "callback_tokens" "partner_secrets" "proxy_secrets" "pseudonym_keys" "sealing_keys")
    "agent" (list "link_keys" "pseudonym_keys")
    "institutions" (list "pseudonym_keys")
    "executor" (list "app_key" "callback_tokens" "link_keys" "partner_secrets" "pseudonym_keys")
    "canary" (list "canary_token" "pseudonym_keys")
    "auditor" (list)
    "snapshot" (list)
    "sweep" (list "app_key" "partner_secrets" "pseudonym_keys") -}}
{{- $settings := include "txpush.settings" . | fromYaml -}}
{{- if $settings.kafka_username }}
- secret:
    name: {{ .root.Values.kafka.userPrefix }}{{ .component }}
    items: [{key: {{ .root.Values.kafka.passwordKey }}, path: kafka_password}]
{{- end }}
{{- /* What is not there is told by the component at its start, in words, if it cannot do without. */}}
{{- range index $wanted .component }}
- secret:
    name: {{ $.root.Values.secretName }}
    optional: true
    items: [{key: {{ . }}, path: {{ . }}}]
{{- end }}
{{- end }}

{{- define "txpush.volumes" -}}
{{- with include "txpush.secret-files" . }}
- name: secrets
  projected:
    defaultMode: 0440
    sources: {{ . | nindent 6 }}
{{- end }}
{{- with include "txpush.kafka-files" . }}
- name: kafka
  projected:
    defaultMode: 0440
    sources: {{ . | nindent 6 }}
{{- end }}
{{- end }}
