using System.Globalization;
using System.Text;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.Mpi.Pmi;

/// <summary>
/// Which ranks share a host, in the words of MPICH's key <c>PMI_process_mapping</c>: <c>(vector,(H,N,L),...)</c>, a block for N hosts from number H on that run
/// the next L ranks each. MPICH exchanges data through shared memory where the mapping says that ranks share a host.
/// </summary>
internal static class ProcessMapping
{
    /// <summary>The most characters that fit into a line of an MPICH that reads 1024, with what stands before them.</summary>
    public const int MaximumLength = 900;

    /// <summary>The mapping. One that would be too long for MPICH says that no ranks share a host, which is slower but never wrong.</summary>
    public static string Describe(HostLayout hosts)
    {
        var text = new StringBuilder("(vector");
        for (int rank = 0; rank < hosts.Size;)
        {
            (int host, int count) = (hosts.HostOf(rank), Run(hosts, rank));
            int next = rank + count, blocks = 1;
            while (next < hosts.Size && hosts.HostOf(next) == host + blocks && Run(hosts, next) == count)
            {
                next += count;
                blocks++;
            }

            text.Append(CultureInfo.InvariantCulture, $",({host},{blocks},{count})");
            rank = next;
        }

        text.Append(')');
        return text.Length <= MaximumLength ? text.ToString() : string.Create(CultureInfo.InvariantCulture, $"(vector,(0,{hosts.Size},1))");
    }

    // How many ranks from this one on run on its host without a break.
    private static int Run(HostLayout hosts, int first)
    {
        int end = first + 1;
        while (end < hosts.Size && hosts.HostOf(end) == hosts.HostOf(first))
        {
            end++;
        }

        return end - first;
    }
}
