# Runs inside a container without Python, as `sh -c TEXT look SECONDS (ID HOST PORT TLS)...`: names, ports
# and TLS with what the image has. Arguments are data: nothing of them is ever read as a command.
LC_ALL=C
export LC_ALL
seconds=$1
shift
reserved='^(::ffff:)?169\.254\.|^fd00:ec2:|^fd20:ce:|^100\.100\.100\.200 |^168\.63\.129\.16 '
bound() {
    if command -v timeout >/dev/null 2>&1; then timeout "$seconds" "$@"; else "$@"; fi
}
has() { command -v "$1" >/dev/null 2>&1; }
look() {
    if has getent; then
        found=$(bound getent ahosts "$2" 2>/dev/null)
        code=$?
        if [ -z "$found" ]; then found=$(bound getent hosts "$2" 2>/dev/null); code=$?; fi
        echo "$1|name|$code|$(echo "$found" | while read -r address rest; do printf '%s ' "$address"; done)"
    else
        echo "$1|name|?|"
        code=0
    fi
    if [ "$3" = 0 ] || [ "$code" != 0 ]; then return; fi
    case "$2" in
        *[!0-9.:a-fA-F]*) if echo "$found" | grep -qiE "$reserved"; then return; fi ;; # a name, no address
    esac
    if has bash; then
        said=$(bound bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$2" "$3" 2>&1)
        code=$?
    elif has nc; then
        said=$(bound nc -v -z -w "$seconds" "$2" "$3" 2>&1)
        code=$?
    else
        echo "$1|port|?|neither bash nor nc"
        return
    fi
    echo "$1|port|$code|$(echo "$said" | tr '\n' ' ')"
    if [ "$4" = 0 ] || [ "$code" != 0 ]; then return; fi
    if ! has openssl; then
        echo "$1|tls|?|no openssl"
        return
    fi
    case "$2" in
        *[!0-9.]*) check=-verify_hostname ;;
        *) check=-verify_ip ;;
    esac
    said=$(bound openssl s_client -connect "$2:$3" -servername "$2" $check "$2" </dev/null 2>&1)
    code=$?
    said=$(echo "$said" |
        grep -aE 'verify error|Verify return code|^New, |alert|wrong version|no peer certificate')
    echo "$1|tls|$code|$(echo "$said" | tr '\n' ';' | cut -c 1-1500)"
}
while [ "$#" -ge 4 ]; do
    look "$1" "$2" "$3" "$4" &
    shift 4
done
wait
exit 0
