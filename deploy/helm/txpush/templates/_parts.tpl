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
{{ .root.Release.Name }}-{{ .component }}
{{- end }}

{{- define "txpush.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* The settings of a component: those of all, its own, and what the chart itself sees to. */}}
{{- define "txpush.settings" -}}
{{- $values := index .root.Values .component -}}
{{- $all := dict "admin_host" "0.0.0.0" "admin_port" .root.Values.adminPort -}}
{{- $all = mergeOverwrite $all (deepCopy .root.Values.settings) (deepCopy $values.settings) -}}
{{- if hasPrefix "SASL" $all.kafka_security_protocol -}}
{{- $_ := set $all "kafka_username" (print .root.Values.kafka.userPrefix .component) -}}
{{- else -}}
{{- $_ := unset $all "kafka_sasl_mechanism" -}}
{{- end -}}
{{- if .root.Values.kafka.caSecret -}}
{{- $_ := set $all "kafka_ca_file" "/etc/txpush/kafka/ca.crt" -}}
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
- name: TXPUSH_SECRETS_DIR
  value: /run/secrets/txpush
{{- end }}

{{/* Time for the orderly stop, for the pause before it, and to spare: a kill must never be what ends a process. */}}
{{- define "txpush.grace" -}}
{{- $settings := include "txpush.settings" . | fromYaml -}}
{{ add (ceil (float64 ($settings.shutdown_seconds | default 10))) 20 }}
{{- end }}

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
serviceAccountName: {{ .root.Release.Name }}-txpush
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
- {name: secrets, mountPath: /run/secrets/txpush, readOnly: true}
{{- if .root.Values.kafka.caSecret }}
- {name: kafka-ca, mountPath: /etc/txpush/kafka, readOnly: true}
{{- end }}
{{- end }}

{{/* Each component sees the secrets that it uses, as files, and no others. */}}
{{- define "txpush.volumes" -}}
{{- $wanted := dict
    "bridge" (list "callback_tokens" "partner_secrets" "sealing_keys" "proxy_secrets")
    "agent" (list "link_keys")
    "institutions" list
    "executor" (list "callback_tokens" "link_keys" "partner_secrets" "app_key")
    "canary" (list "canary_token") -}}
{{- $settings := include "txpush.settings" . | fromYaml -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- if hasPrefix "SASL" $settings.kafka_security_protocol }}
      - secret:
          name: {{ .root.Values.kafka.userPrefix }}{{ .component }}
          items: [{key: {{ .root.Values.kafka.passwordKey }}, path: kafka_password}]
      {{- end }}
      {{- range index $wanted .component }}
      - secret:
          name: {{ $.root.Values.secretName }}
          optional: true
          items: [{key: {{ . }}, path: {{ . }}}]
      {{- end }}
{{- with .root.Values.kafka.caSecret }}
- name: kafka-ca
  secret:
    secretName: {{ . }}
    items: [{key: {{ $.root.Values.kafka.caKey }}, path: ca.crt}]
{{- end }}
{{- end }}
