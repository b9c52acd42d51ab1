using System.IO.Compression;
using System.Text;

namespace Convoy.Torch.Serialization;

/// <summary>What a file is that is no safetensors file, and how to come from it to one.</summary>
/// <param name="Kind">What it is, such as "a PyTorch file".</param>
/// <param name="Remedy">What to do about it: one sentence with its full stop.</param>
internal sealed record ForeignWeightsFile(string Kind, string Remedy)
{
    private const int Looked = 1024;

    private const string Convert =
        "Convert it with PyTorch: python3 -c \"import torch, safetensors.torch as s; w = torch.load('IN', map_location='cpu', weights_only=True); w = w.get('state_dict', w.get('model', w)); "
        + "s.save_file({k: v.contiguous() for k, v in w.items()}, 'OUT.safetensors')\".";

    private const string DownloadAgain = "Download the weights themselves, as a .safetensors file.";

    // The first bytes of kinds that people rename or download by mistake.
    private static readonly (byte[] Start, string Kind)[] Known =
    [
        ([0x1F, 0x8B], "a gzip archive"), ([0x89, (byte)'H', (byte)'D', (byte)'F'], "an HDF5 file (Keras)"), ([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'], "a NumPy file"),
        ("GGUF"u8.ToArray(), "a GGUF file"), ([0x89, (byte)'P', (byte)'N', (byte)'G'], "a picture"), ([0xFF, 0xD8, 0xFF], "a picture"), ("%PDF"u8.ToArray(), "a PDF document"),
        ([0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z'], "an xz archive"), ([0x28, 0xB5, 0x2F, 0xFD], "a Zstandard archive"), ([0x7F, (byte)'E', (byte)'L', (byte)'F'], "a program"),
    ];

    /// <summary>Looks at a file's beginning; null when it may be a safetensors file that is damaged.</summary>
    public static ForeignWeightsFile? Recognize(string path)
    {
        using FileStream stream = File.OpenRead(path);
        byte[] buffer = new byte[Looked];
        ReadOnlySpan<byte> start = buffer.AsSpan(0, stream.ReadAtLeast(buffer, Looked, throwOnEndOfStream: false));
        if (start.IsEmpty)
        {
            return new ForeignWeightsFile("an empty file", "Download or save it again.");
        }

        if (start.StartsWith("PK\u0003\u0004"u8) || start.StartsWith("PK\u0005\u0006"u8))
        {
            return Archive(stream);
        }

        // torch.save before 1.6 wrote pickles one after another; the first holds this number.
        if (start.StartsWith((ReadOnlySpan<byte>)[0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]))
        {
            return new ForeignWeightsFile("a PyTorch file in the format before version 1.6", Convert);
        }

        if (start[0] == 0x80 && start.Length > 1 && start[1] is >= 2 and <= 5 && !IsHeaderLength(start, stream.Length))
        {
            return new ForeignWeightsFile("a Python pickle", Convert);
        }

        foreach ((byte[] mark, string kind) in Known)
        {
            if (start.StartsWith(mark))
            {
                return new ForeignWeightsFile(kind, "Give the weights as a .safetensors file.");
            }
        }

        return start.Length > 262 && start[257..].StartsWith("ustar"u8) ? new ForeignWeightsFile("a tar archive", "Unpack it and give the .safetensors file in it.") : Text(start);
    }

    private static ForeignWeightsFile Archive(FileStream stream)
    {
        stream.Position = 0;
        try
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Read);
            string[] names = [.. archive.Entries.Select(entry => entry.FullName)];
            return names.Any(name => name.Contains("/code/", StringComparison.Ordinal) || name.EndsWith("/constants.pkl", StringComparison.Ordinal))
                ? new ForeignWeightsFile("a TorchScript archive", "Save its weights with PyTorch: safetensors.torch.save_file({k: v.contiguous() for k, v in torch.jit.load('IN').state_dict().items()}, 'OUT.safetensors').")
                : names.Any(name => name.EndsWith("/data.pkl", StringComparison.Ordinal) || name == "data.pkl")
                ? new ForeignWeightsFile("a PyTorch file (.pth, .pt: a zip archive with a pickle)", Convert)
                : names.Any(name => name.EndsWith(".npy", StringComparison.Ordinal))
                ? new ForeignWeightsFile("a NumPy archive (.npz)", "Save its arrays with safetensors.numpy.save_file.")
                : new ForeignWeightsFile("a zip archive", "Unpack it and give the .safetensors file in it.");
        }
        catch (InvalidDataException)
        {
            return new ForeignWeightsFile("a zip archive that is cut off or damaged, perhaps a PyTorch file", "Download or save it again, and convert it to .safetensors.");
        }
    }

    private static ForeignWeightsFile? Text(ReadOnlySpan<byte> start)
    {
        if (start.IndexOfAnyInRange((byte)0, (byte)8) >= 0)
        {
            return null;
        }

        string text = Encoding.UTF8.GetString(start).TrimStart('\uFEFF', ' ', '\t', '\r', '\n');
        bool Begins(string with) => text.StartsWith(with, StringComparison.OrdinalIgnoreCase);
        if (Begins("version https://git-lfs"))
        {
            return new ForeignWeightsFile("a git-lfs pointer, which stands for the weights", "Fetch the weights with 'git lfs pull' in their repository.");
        }

        if (Begins("<!doctype html") || Begins("<html") || Begins("<head") || Begins("<!--"))
        {
            return new ForeignWeightsFile("a web page (HTML)", DownloadAgain);
        }

        if (Begins("<?xml") || Begins("<error"))
        {
            return new ForeignWeightsFile("an XML document, perhaps a server's refusal", DownloadAgain);
        }

        // The replacement character stands for bytes that are no text; the last character may be cut in half.
        return text.AsSpan(0, Math.Max(0, text.Length - 1)).Contains('\uFFFD')
            ? null
            : new ForeignWeightsFile($"a text file that begins with \"{FirstWords(text)}\"", DownloadAgain);
    }

    private static string FirstWords(string text)
    {
        string line = text.Split(['\r', '\n'], 2)[0];
        return line.Length <= 40 ? line : line[..40] + " ...";
    }

    // A safetensors file begins with its header's length, whose first bytes can be anything.
    private static bool IsHeaderLength(ReadOnlySpan<byte> start, long fileLength) =>
        start.Length > 8 && start[8] == (byte)'{' && BitConverter.ToInt64(start) is > 0 and long length && length <= fileLength;
}
