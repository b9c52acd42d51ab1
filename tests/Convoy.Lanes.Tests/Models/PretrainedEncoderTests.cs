using Convoy.Lanes.Models;
using Convoy.Torch.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Models;

/// <summary>What people give as weights: under wrappers' names, in other formats, or what a failed download left.</summary>
public sealed class PretrainedEncoderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("module.")]
    [InlineData("_orig_mod.")]
    [InlineData("model.")]
    [InlineData("_orig_mod.module.backbone.")]
    public void Load_NamesWithAPrefix_FillsTheEncoder(string prefix)
    {
        var source = new LaneDetectionModel();
        Save(source, name => prefix + name);
        var model = new LaneDetectionModel();

        // 20 convolutions, and of 20 batch norms five tensors each.
        Assert.Equal(120, PretrainedEncoder.Load(model, _folder.File("w")));

        TensorAssert.Identical(source.state_dict()["layer4.1.conv2.weight"], model.state_dict()["layer4.1.conv2.weight"]);
        TensorAssert.Identical(source.state_dict()["conv1.weight"], model.state_dict()["conv1.weight"]);
    }

    [Fact]
    public void Load_TheWeightsTwice_NamesBothPrefixesAndChangesNothing()
    {
        var source = new LaneDetectionModel();
        Save(source, name => "encoder_q." + name, name => "encoder_k." + name);
        var model = new LaneDetectionModel();
        Tensor before = model.state_dict()["conv1.weight"].clone();

        string message = Assert.Throws<BadInputException>(() => PretrainedEncoder.Load(model, _folder.File("w"))).Message;

        Assert.Contains("under encoder_k. and encoder_q.", message, StringComparison.Ordinal);
        TensorAssert.Identical(before, model.state_dict()["conv1.weight"]);
    }

    [Fact]
    public void Load_OtherNames_SaysWhatIsMissingAndWhatIsThere()
    {
        SafetensorsFile.Write(_folder.File("w"), new Dictionary<string, Tensor> { ["embedder.weight"] = ones(3) });

        string message = Assert.Throws<BadInputException>(() => PretrainedEncoder.Load(new LaneDetectionModel(), _folder.File("w"))).Message;

        Assert.StartsWith("the pretrained file has no conv1.weight; its first name is embedder.weight (", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WholeNumbers_AreRefused()
    {
        Dictionary<string, Tensor> tensors = new LaneDetectionModel().state_dict().ToDictionary(entry => entry.Key, entry => entry.Value);
        tensors["layer1.0.conv1.weight"] = tensors["layer1.0.conv1.weight"].to(ScalarType.Int8);
        SafetensorsFile.Write(_folder.File("w"), tensors);

        Assert.Contains("layer1.0.conv1.weight has the type I8", Assert.Throws<BadInputException>(() => PretrainedEncoder.Load(new LaneDetectionModel(), _folder.File("w"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_TorchvisionsFile_FillsTheEncoderOnly()
    {
        var source = new LaneDetectionModel();
        Dictionary<string, Tensor> file = source.state_dict()
            .Where(entry => entry.Key.Split('.')[0] is "conv1" or "bn1" or "layer1" or "layer2" or "layer3" or "layer4")
            .Where(entry => !entry.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .ToDictionary(entry => entry.Key, entry => entry.Value);
        file.Add("fc.weight", zeros(1000, 512));
        file.Add("fc.bias", zeros(1000));
        SafetensorsFile.Write(_folder.File("resnet18"), file);
        var model = new LaneDetectionModel();
        Tensor head = model.state_dict()["head.weight"].clone();

        Assert.Equal(100, PretrainedEncoder.Load(model, _folder.File("resnet18")));

        TensorAssert.Identical(source.state_dict()["layer4.1.conv2.weight"], model.state_dict()["layer4.1.conv2.weight"]);
        TensorAssert.Identical(head, model.state_dict()["head.weight"]);
        Assert.Contains("has no layer1.2.conv1.weight", Assert.Throws<BadInputException>(() => PretrainedEncoder.Load(new LaneDetectionModel(EncoderDepth.ResNet34), _folder.File("resnet18"))).Message, StringComparison.Ordinal);
    }

    private void Save(nn.Module model, params Func<string, string>[] names) =>
        SafetensorsFile.Write(_folder.File("w"), names.SelectMany(name => model.state_dict().Select(entry => (Name: name(entry.Key), entry.Value))).ToDictionary(entry => entry.Name, entry => entry.Value));
}
