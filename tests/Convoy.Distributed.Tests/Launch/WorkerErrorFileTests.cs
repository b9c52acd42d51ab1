using Convoy.Distributed.Launch;

namespace Convoy.Distributed.Tests.Launch;

public sealed class WorkerErrorFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("convoy-errors-").FullName;

    private string File => Path.Combine(_directory, "error.json");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Record_SecondError_KeepsTheFirst()
    {
        WorkerErrorFile.Record(new InvalidOperationException("first \"quoted\""), File);
        WorkerErrorFile.Record(new PeerLostException("AllReduce", 1, 7, leftGroup: true), File);

        WorkerError? error = WorkerErrorFile.Read(File);
        Assert.Equal("first \"quoted\"", error?.Message);
        Assert.False(error?.PeerLost);
        Assert.Equal([File], Directory.GetFiles(_directory));
    }

    [Fact]
    public void Record_ThrownError_KeepsItsTypeAndWhereItWasThrown()
    {
        Exception error = Assert.Throws<InvalidDataException>(Fail);

        WorkerErrorFile.Record(error, File);

        string? stack = WorkerErrorFile.Read(File)?.Callstack;
        Assert.StartsWith("System.IO.InvalidDataException: odd", stack, StringComparison.Ordinal);
        Assert.Contains(nameof(Fail), stack, StringComparison.Ordinal);
    }

    [Fact]
    public void Record_PeerLost_SaysSo()
    {
        WorkerErrorFile.Record(new PeerLostException("AllReduce", 1, 7, leftGroup: true), File);

        Assert.True(WorkerErrorFile.Read(File)?.PeerLost);
    }

    [Fact]
    public void Record_FolderIsGone_DoesNotHideTheError() =>
        WorkerErrorFile.Record(new InvalidOperationException("x"), Path.Combine(_directory, "gone", "error.json"));

    [Theory]
    [InlineData("""{"message":"plain"}""", "plain")]
    [InlineData("""{"message":{"message":"torchrun's","extraInfo":{"py_callstack":"...","timestamp":"1700000000"}}}""", "torchrun's")]
    [InlineData("""{"other":1}""", null)]
    [InlineData("""{"message":""", null)]
    [InlineData("[]", null)]
    public void Read_ForeignFile_GivesItsMessageWhereItHasOne(string text, string? message)
    {
        System.IO.File.WriteAllText(File, text);

        Assert.Equal(message, WorkerErrorFile.Read(File)?.Message);
    }

    private static void Fail() => throw new InvalidDataException("odd");
}
