using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Convoy.Torch.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Serialization;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Int16)]
    [InlineData(ScalarType.Int8)]
    [InlineData(ScalarType.Byte)]
    [InlineData(ScalarType.Bool)]
    public void Read_WrittenDtype_GivesTheSameValues(ScalarType dtype)
    {
        Tensor values = randint(0, 100, [3, 5]).to(dtype);
        Tensor read = RoundTrip(values);

        Assert.Equal(dtype, read.dtype);
        Assert.Equal([3, 5], read.shape);
        Assert.True(read.eq(values).all().item<bool>());
    }

    [Fact]
    public void Read_Scalar_HasNoDimensions()
    {
        Tensor read = RoundTrip(tensor(42L));

        Assert.Empty(read.shape);
        Assert.Equal(42, read.item<long>());
    }

    [Fact]
    public void Read_EmptyTensor_KeepsItsShape() => Assert.Equal([4, 0, 2], RoundTrip(zeros(4, 0, 2)).shape);

    [Fact]
    public void Read_ChannelsLastAndSlicedTensors_GivesLogicalOrder()
    {
        Tensor channelsLast = arange(2 * 3 * 4 * 5).reshape(2, 4, 5, 3).permute(0, 3, 1, 2);
        Tensor sliced = arange(24).reshape(4, 6).narrow(1, 2, 3);
        Assert.False(channelsLast.is_contiguous());

        TensorAssert.Identical(channelsLast, RoundTrip(channelsLast));
        TensorAssert.Identical(sliced, RoundTrip(sliced));
    }

    [Fact]
    public void Write_ParameterThatNeedsGradient_IsWritten()
    {
        Tensor parameter = ones(3).requires_grad_();

        Assert.False(RoundTrip(parameter).requires_grad);
    }

    [Fact]
    public void Write_ManyTensors_LeavesNoTensorBehind()
    {
        Dictionary<string, Tensor> tensors = Some();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        SafetensorsFile.Write(_folder.File("a"), tensors);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Write_Twice_GivesTheSameBytesInAnyOrder()
    {
        Dictionary<string, Tensor> tensors = Some();
        SafetensorsFile.Write(_folder.File("a"), tensors, new Dictionary<string, string> { ["x"] = "1", ["format"] = "pt" });
        SafetensorsFile.Write(_folder.File("b"), tensors.Reverse().ToDictionary(), new Dictionary<string, string> { ["format"] = "pt", ["x"] = "1" });

        Assert.Equal(File.ReadAllBytes(_folder.File("a")), File.ReadAllBytes(_folder.File("b")));
    }

    [Fact]
    public void Write_AnyFile_FollowsTheFormatsDescription()
    {
        SafetensorsFile.Write(_folder.File("a"), new Dictionary<string, Tensor> { ["w"] = tensor([1.5f, -2f]), ["n"] = tensor(258L) }, new Dictionary<string, string> { ["format"] = "pt" });

        byte[] bytes = File.ReadAllBytes(_folder.File("a"));
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, length));
        byte[] data = bytes[(8 + length)..];

        Assert.Equal(0, (8 + length) % 8);
        Assert.Equal((byte)'{', bytes[8]);
        Assert.Equal("pt", header.RootElement.GetProperty("__metadata__").GetProperty("format").GetString());
        JsonElement w = header.RootElement.GetProperty("w"), n = header.RootElement.GetProperty("n");
        Assert.Equal("""{"dtype":"I64","shape":[],"data_offsets":[0,8]}""", n.GetRawText());
        Assert.Equal("""{"dtype":"F32","shape":[2],"data_offsets":[8,16]}""", w.GetRawText());
        Assert.Equal([2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0], data);
    }

    [Fact]
    public void Read_FileWrittenByHand_GivesItsValues()
    {
        // Another writer's file: no metadata, no padding, tensors in the order of its own.
        string path = Hand("""{"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"shape":[1],"data_offsets":[2,6],"dtype":"F32"}}""", [7, 9, 0, 0, 0x80, 0x3F]);

        Dictionary<string, Tensor> read = SafetensorsFile.Read(path);

        Assert.Equal([7, 9], read["b"].data<byte>().ToArray());
        Assert.Equal([1f], read["a"].data<float>().ToArray());
    }

    [Fact]
    public void Read_CutAtAnyLength_IsRefused()
    {
        SafetensorsFile.Write(_folder.File("whole"), Some());
        byte[] whole = File.ReadAllBytes(_folder.File("whole"));
        for (int length = 0; length < whole.Length; length += length < 24 ? 1 : 7)
        {
            File.WriteAllBytes(_folder.File("cut"), whole[..length]);
            Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(_folder.File("cut")));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(8)]
    [InlineData(-8)]
    [InlineData(1000)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void Read_HeaderLengthLies_IsRefused(long by)
    {
        SafetensorsFile.Write(_folder.File("a"), Some(), new Dictionary<string, string> { ["pad"] = "x" });
        byte[] bytes = File.ReadAllBytes(_folder.File("a"));
        long length = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal((byte)' ', bytes[8 + length - 1]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes, unchecked(length + by));
        File.WriteAllBytes(_folder.File("a"), bytes);

        Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(_folder.File("a")));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("{}")]
    [InlineData("not json")]
    [InlineData("""{"a":5}""")]
    [InlineData("""{"a":{}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[0,4611686018427387904,8],"data_offsets":[0,0]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}}""")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""")]
    public void Read_RubbishHeader_IsRefusedInOneLine(string header)
    {
        string path = Hand(header, [0, 0, 0, 0]);

        var error = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(path));

        Assert.Equal($"not a whole safetensors file ({path}). Save the checkpoint again, or give another file.", error.Message);
    }

    [Fact]
    public void Read_RandomBytes_IsRefused()
    {
        var random = new Random(5);
        for (int i = 0; i < 50; i++)
        {
            byte[] bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            File.WriteAllBytes(_folder.File("rubbish"), bytes);
            Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(_folder.File("rubbish")));
        }
    }

    [Fact]
    public void Read_NoSuchFile_IsRefused() => Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(_folder.File("absent")));

    [Fact]
    public void Write_ComplexTensor_IsNotSupported() =>
        Assert.Throws<NotSupportedException>(() => SafetensorsFile.Write(_folder.File("a"), new Dictionary<string, Tensor> { ["z"] = zeros(2, ScalarType.ComplexFloat32) }));

    private static Dictionary<string, Tensor> Some() => new()
    {
        ["layer.weight"] = randn(4, 3),
        ["layer.bias"] = randn(4).to(ScalarType.BFloat16),
        ["empty"] = zeros(0, 2),
        ["steps"] = tensor(3L),
    };

    private Tensor RoundTrip(Tensor tensor)
    {
        SafetensorsFile.Write(_folder.File("t"), new Dictionary<string, Tensor> { ["before"] = ones(3), ["t"] = tensor, ["u"] = ones(1) });
        return SafetensorsFile.Read(_folder.File("t"))["t"];
    }

    private string Hand(string header, byte[] data)
    {
        byte[] length = new byte[8], text = Encoding.UTF8.GetBytes(header);
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        File.WriteAllBytes(_folder.File("hand"), [.. length, .. text, .. data]);
        return _folder.File("hand");
    }
}
