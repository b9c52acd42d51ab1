using System.IO.Compression;
using System.Text;
using Convoy.Torch.Serialization;

namespace Convoy.Torch.Tests.Serialization;

/// <summary>What is said of files that are no safetensors files.</summary>
public sealed class ForeignWeightsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("F8_E4M3")]
    [InlineData("F8_E5M2")]
    [InlineData("U16")]
    public void Read_TypeThatTorchSharpLacks_IsRefusedByName(string type)
    {
        byte[] header = Encoding.UTF8.GetBytes("""{"a":{"dtype":"TYPE","shape":[4],"data_offsets":[0,4]}}""".Replace("TYPE", type, StringComparison.Ordinal));
        File.WriteAllBytes(_folder.File("w"), [.. BitConverter.GetBytes((long)header.Length), .. header, 1, 2, 3, 4]);

        Assert.Equal(
            $"the tensor a has a type that is not read here, {type} ({_folder.File("w")}). Save it as F32, F16, BF16 or F64.",
            Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(_folder.File("w"))).Message);
    }

    [Fact]
    public void Read_ArchiveOfPyTorch_IsCalledWhatItIsAndHowToConvert()
    {
        Zip("archive/data.pkl", "archive/data/0");
        string message = Refusal();

        Assert.StartsWith("not a safetensors file but a PyTorch file (.pth, .pt: a zip archive with a pickle) (", message, StringComparison.Ordinal);
        Assert.Contains("torch.load(", message, StringComparison.Ordinal);

        Zip("net/data.pkl", "net/code/__torch__.py", "net/constants.pkl");
        Assert.Contains("but a TorchScript archive", Refusal(), StringComparison.Ordinal);

        Zip("readme.txt");
        Assert.Contains("but a zip archive (", Refusal(), StringComparison.Ordinal);

        File.WriteAllBytes(_folder.File("w"), File.ReadAllBytes(_folder.File("w"))[..^30]);
        Assert.Contains("cut off or damaged", Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 46830571\n", "a git-lfs pointer", "git lfs pull")]
    [InlineData("<!DOCTYPE html>\n<html><body>404</body></html>", "a web page (HTML)", "Download")]
    [InlineData("\n  <html lang=\"en\">", "a web page (HTML)", "Download")]
    [InlineData("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "an XML document", "Download")]
    [InlineData("Entry not found", "a text file that begins with \"Entry not found\"", "Download")]
    [InlineData("", "an empty file", "again")]
    public void Read_Text_IsCalledWhatItIs(string text, string what, string remedy)
    {
        File.WriteAllText(_folder.File("w"), text);

        Assert.StartsWith($"not a safetensors file but {what}", Refusal(), StringComparison.Ordinal);
        Assert.Contains(remedy, Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, (byte)'.' }, "a PyTorch file in the format before version 1.6")]
    [InlineData(new byte[] { 0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0, (byte)'N', (byte)'.' }, "a Python pickle")]
    [InlineData(new byte[] { 0x1F, 0x8B, 8, 0, 0, 0, 0, 0 }, "a gzip archive")]
    [InlineData(new byte[] { 0x89, (byte)'H', (byte)'D', (byte)'F', 13, 10, 26, 10 }, "an HDF5 file (Keras)")]
    public void Read_OtherFormats_AreCalledWhatTheyAre(byte[] bytes, string what)
    {
        File.WriteAllBytes(_folder.File("w"), bytes);

        Assert.StartsWith($"not a safetensors file but {what} (", Refusal(), StringComparison.Ordinal);
    }

    private string Refusal() => Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(_folder.File("w"))).Message;

    private void Zip(params string[] names)
    {
        File.Delete(_folder.File("w"));
        using ZipArchive archive = ZipFile.Open(_folder.File("w"), ZipArchiveMode.Create);
        foreach (string name in names)
        {
            using var writer = new StreamWriter(archive.CreateEntry(name).Open());
            writer.Write("content");
        }
    }
}
