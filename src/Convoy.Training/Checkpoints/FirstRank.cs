using System.Text;
using Convoy.Distributed;
using static TorchSharp.torch;

namespace Convoy.Training.Checkpoints;

/// <summary>What rank 0 does for all: every rank learns how it ended, so that none goes on as if it had gone well, or waits for the others.</summary>
internal static class FirstRank
{
    private enum End
    {
        Done,
        BadInput,
        Failed,
    }

    /// <summary>Does something on rank 0. All ranks call it together.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="what">What it is, for the other ranks' error: <c>write the checkpoint of step 3</c>.</param>
    /// <param name="work">Does it, and gives a number for all ranks.</param>
    /// <returns>The number.</returns>
    /// <exception cref="BadInputException">Rank 0 threw one, which all ranks throw.</exception>
    /// <exception cref="IOException">On ranks other than 0: rank 0 threw something else, which is thrown there. The message has its text.</exception>
    public static long Run(ProcessGroup group, string what, Func<long> work)
    {
        if (group.Rank != 0)
        {
            return Learn(group, what);
        }

        long result;
        try
        {
            result = work();
        }
        catch (Exception error)
        {
            Tell(group, error is BadInputException ? End.BadInput : End.Failed, 0, error.Message);
            throw;
        }

        Tell(group, End.Done, result, string.Empty);
        return result;
    }

    private static void Tell(ProcessGroup group, End end, long result, string message)
    {
        byte[] text = Encoding.UTF8.GetBytes(message);
        using Tensor header = tensor([(long)end, result, text.Length], ScalarType.Int64);
        group.Broadcast(header, root: 0);
        if (text.Length > 0)
        {
            using Tensor content = tensor(text, ScalarType.Byte);
            group.Broadcast(content, root: 0);
        }
    }

    private static long Learn(ProcessGroup group, string what)
    {
        using Tensor header = zeros([3], ScalarType.Int64);
        group.Broadcast(header, root: 0);
        long[] values = header.data<long>().ToArray();
        string message = string.Empty;
        if (values[2] > 0)
        {
            using Tensor content = zeros([values[2]], ScalarType.Byte);
            group.Broadcast(content, root: 0);
            message = Encoding.UTF8.GetString(content.data<byte>().ToArray());
        }

        return (End)values[0] switch
        {
            End.Done => values[1],
            End.BadInput => throw new BadInputException(message),
            _ => throw new IOException($"rank 0 could not {what}: {message}"),
        };
    }
}
