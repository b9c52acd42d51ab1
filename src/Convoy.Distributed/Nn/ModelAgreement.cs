using System.Globalization;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>Makes the ranks start from one model: checks that theirs have the same parts, then copies rank 0's values to all.</summary>
internal static class ModelAgreement
{
    /// <exception cref="ParameterMismatchException">The ranks' models differ; thrown on every rank.</exception>
    public static void Verify(nn.Module module, ProcessGroup group)
    {
        string[] own = [.. Describe(module)];
        string[][] all = [.. GatherText(string.Join('\n', own), group).Select(text => text.Split('\n'))];
        for (int rank = 1; rank < group.Size; rank++)
        {
            for (int i = 0; i < Math.Max(all[0].Length, all[rank].Length); i++)
            {
                string expected = all[0].ElementAtOrDefault(i) ?? "nothing", found = all[rank].ElementAtOrDefault(i) ?? "nothing";
                if (expected != found)
                {
                    throw new ParameterMismatchException(rank, expected, found);
                }
            }
        }
    }

    /// <summary>Gives every rank the parameters and buffers of rank <paramref name="root"/>.</summary>
    public static void BroadcastState(nn.Module module, ProcessGroup group, int root = 0)
    {
        foreach ((_, Tensor tensor) in module.named_parameters().Select(p => (p.name, (Tensor)p.parameter)).Concat(module.named_buffers()))
        {
            group.Broadcast(tensor, root);
        }
    }

    private static IEnumerable<string> Describe(nn.Module module) =>
        module.named_parameters().Select(p => Describe(p.parameter.requires_grad ? "parameter" : "parameter without gradient", p.name, p.parameter))
            .Concat(module.named_buffers().Select(b => Describe("buffer", b.name, b.buffer)));

    private static string Describe(string kind, string name, Tensor tensor) =>
        $"{kind} '{name}' ({tensor.dtype} [{string.Join(", ", tensor.shape.Select(size => size.ToString(CultureInfo.InvariantCulture)))}])";

    private static string[] GatherText(string text, ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Tensor[] lengths = [.. Enumerable.Range(0, group.Size).Select(_ => zeros([1], int64))];
        group.AllGather(lengths, tensor(new[] { (long)bytes.Length }));
        long longest = lengths.Max(length => length.item<long>());
        byte[] padded = new byte[longest];
        bytes.CopyTo(padded, 0);
        Tensor[] texts = [.. Enumerable.Range(0, group.Size).Select(_ => zeros([longest], uint8))];
        group.AllGather(texts, tensor(padded));
        return [.. texts.Select((t, rank) => Encoding.UTF8.GetString(t.data<byte>().ToArray(), 0, (int)lengths[rank].item<long>()))];
    }
}
