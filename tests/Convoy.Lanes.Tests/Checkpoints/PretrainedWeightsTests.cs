using Convoy.Lanes.Checkpoints;
using Convoy.Lanes.Models;
using Convoy.Torch.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Checkpoints;

/// <summary>What people give as weights: under wrappers' names, in other formats, or what a failed download left.</summary>
public sealed class PretrainedWeightsTests : IDisposable
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
    public void LoadPretrained_NamesWithAPrefix_FillsTheEncoder(string prefix)
    {
        var source = new LaneDetectionModel();
        Save(source, name => prefix + name);
        var model = new LaneDetectionModel();

        // 20 convolutions, and of 20 batch norms five tensors each.
        Assert.Equal(120, ModelWeights.LoadPretrained(model, _folder.File("w")));

        TensorAssert.Identical(source.state_dict()["layer4.1.conv2.weight"], model.state_dict()["layer4.1.conv2.weight"]);
        TensorAssert.Identical(source.state_dict()["conv1.weight"], model.state_dict()["conv1.weight"]);
    }

    [Fact]
    public void LoadPretrained_TheWeightsTwice_NamesBothPrefixesAndChangesNothing()
    {
        var source = new LaneDetectionModel();
        Save(source, name => "encoder_q." + name, name => "encoder_k." + name);
        var model = new LaneDetectionModel();
        Tensor before = model.state_dict()["conv1.weight"].clone();

        string message = Assert.Throws<BadInputException>(() => ModelWeights.LoadPretrained(model, _folder.File("w"))).Message;

        Assert.Contains("under encoder_k. and encoder_q.", message, StringComparison.Ordinal);
        TensorAssert.Identical(before, model.state_dict()["conv1.weight"]);
    }

    [Fact]
    public void LoadPretrained_OtherNames_SaysWhatIsMissingAndWhatIsThere()
    {
        SafetensorsFile.Write(_folder.File("w"), new Dictionary<string, Tensor> { ["embedder.weight"] = ones(3) });

        string message = Assert.Throws<BadInputException>(() => ModelWeights.LoadPretrained(new LaneDetectionModel(), _folder.File("w"))).Message;

        Assert.StartsWith("the pretrained file has no conv1.weight; its first name is embedder.weight (", message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadPretrained_WholeNumbers_AreRefused()
    {
        Dictionary<string, Tensor> tensors = new LaneDetectionModel().state_dict().ToDictionary(entry => entry.Key, entry => entry.Value);
        tensors["layer1.0.conv1.weight"] = tensors["layer1.0.conv1.weight"].to(ScalarType.Int8);
        SafetensorsFile.Write(_folder.File("w"), tensors);

        Assert.Contains("layer1.0.conv1.weight has the type I8", Assert.Throws<BadInputException>(() => ModelWeights.LoadPretrained(new LaneDetectionModel(), _folder.File("w"))).Message, StringComparison.Ordinal);
    }

    private void Save(nn.Module model, params Func<string, string>[] names) =>
        SafetensorsFile.Write(_folder.File("w"), names.SelectMany(name => model.state_dict().Select(entry => (Name: name(entry.Key), entry.Value))).ToDictionary(entry => entry.Name, entry => entry.Value));
}
