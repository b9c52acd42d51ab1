namespace Convoy.Hosts;

/// <summary>What is done in the namespaces, by a shell. Each script stops at its first error, whose message is the user's.</summary>
internal static class ClusterScripts
{
    // /tmp of one's own, in which the folders that are given, all under /tmp, can be seen all the same.
    private const string PrivateFolders = """
        mount -t tmpfs -o mode=1777 tmpfs /dev/shm
        mkdir -p /mnt/.hosts/tmp
        mount -t tmpfs -o mode=1777 tmpfs /mnt/.hosts/tmp
        for folder; do
            mkdir -p "/mnt/.hosts/tmp${folder#/tmp}"
            mount --rbind "$folder" "/mnt/.hosts/tmp${folder#/tmp}"
        done
        mount --move /mnt/.hosts/tmp /tmp
        """;

    // The first process of a host: everything in it ends with it. It waits for the end of a pipe, and for processes whose parents have ended.
    private const string WaitForEnd = """
        exec 3<&0 0</dev/null
        cat <&3 >/dev/null &
        exec 3<&- 1>&2
        wait $!
        """;

    /// <summary>Tries what hosts need.</summary>
    public const string Trial = """
        set -e
        mount -t proc proc /proc
        mount -t tmpfs tmpfs /mnt
        ip link add br0 type bridge
        ip link add port type veth peer name other
        tc qdisc add dev port root tbf rate 1gbit burst 128k latency 50ms
        nft add table inet trial
        unshare --pid --fork true
        nsenter --target 1 --net true
        """;

    /// <summary>The front end: <c>NAME ADDRESS FOLDER...</c>. Prints the first process's number, as it is outside.</summary>
    public const string FrontEnd = $$"""
        set -e
        read -r pid rest </proc/self/stat
        mount -t proc proc /proc
        hostname "$1"
        mount -t tmpfs -o mode=1777 tmpfs /mnt
        mkdir -p /mnt/.hosts /mnt/home
        ip link set lo up
        ip link add br0 type bridge
        ip addr add "$2/24" dev br0
        ip link set br0 up
        printf '127.0.0.1 localhost\n%s %s\n' "$2" "$1" >/mnt/.hosts/hosts
        mount --bind /mnt/.hosts/hosts /etc/hosts
        cat >/mnt/.hosts/on-host <<'AGENT'
        #!/bin/sh
        # As ssh: the remaining arguments are one command line, for a shell that has none of this one's variables.
        while :; do
            case $1 in
                -l) shift 2 ;;
                -*) shift ;;
                *) break ;;
            esac
        done
        host=$1
        shift
        [ -s "/mnt/.hosts/pid-$host" ] || { echo "ssh: connect to host $host: No route to host" >&2; exit 255; }
        exec nsenter --target "$(cat "/mnt/.hosts/pid-$host")" --mount --uts --ipc --net --pid env -i HOME=/mnt/home PATH="$PATH" LANG=C.UTF-8 DOTNET_ROOT="$DOTNET_ROOT" sh -c "cd; $*"
        AGENT
        chmod +x /mnt/.hosts/on-host
        shift 2
        {{PrivateFolders}}
        echo "$pid"
        {{WaitForEnd}}
        """;

    /// <summary>Adds names to all hosts' /etc/hosts: <c>"ADDRESS NAME"...</c>.</summary>
    public const string Names = """printf '%s\n' "$@" >>/mnt/.hosts/hosts""";

    /// <summary>A host: <c>NAME ADDRESS FOLDER...</c>. Prints the first process's number, as it is on the front end.</summary>
    public const string Host = $$"""
        set -e
        read -r pid rest </proc/self/stat
        mount -t proc proc /proc
        cat /proc/sys/kernel/random/uuid >"/mnt/.hosts/boot-$1"
        mount --bind "/mnt/.hosts/boot-$1" /proc/sys/kernel/random/boot_id
        hostname "$1"
        ip link set lo up
        echo "$pid" >"/mnt/.hosts/pid-$1"
        shift 2
        {{PrivateFolders}}
        echo "$pid"
        {{WaitForEnd}}
        """;

    /// <summary>On the front end, connects a host: <c>NAME ADDRESS PID</c>.</summary>
    public const string Connect = """
        set -e
        ip link add "$1" type veth peer name eth0 netns "$3"
        ip link set "$1" master br0 up
        nsenter --target "$3" --net sh -c 'ip addr add "$1/24" dev eth0 && ip link set eth0 up' sh "$2"
        """;

    /// <summary>On the front end, limits a host's network in both directions: <c>NAME RATE PID</c>, as tc writes a rate.</summary>
    public const string Rate = """
        set -e
        tc qdisc replace dev "$1" root tbf rate "$2" burst 128k latency 50ms
        nsenter --target "$3" --net tc qdisc replace dev eth0 root tbf rate "$2" burst 128k latency 50ms
        """;

    /// <summary>On a host, loses a share of the packets that arrive: <c>PERCENT</c>. Packets are as small as a cable carries them.</summary>
    public const string Loss = """
        set -e
        ip link set eth0 gso_max_segs 1
        nft 'add table inet loss; delete table inet loss; add table inet loss; add chain inet loss arriving { type filter hook input priority 0; }'
        case $1 in
            0) ;;
            100) nft 'add rule inet loss arriving iifname eth0 drop' ;;
            *) nft "add rule inet loss arriving iifname eth0 numgen random mod 100 < $1 drop" ;;
        esac
        """;
}
