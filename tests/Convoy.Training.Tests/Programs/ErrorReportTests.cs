using Convoy.Training.Programs;

namespace Convoy.Training.Tests.Programs;

public sealed class ErrorReportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Of_BadInput_KeepsTheMessageWithCode2() =>
        Assert.Equal(new ErrorReport("bad size (3). Give 4.", 2), ErrorReport.Describe(new BadInputException("bad size", "3", "Give 4."), []));

    [Fact]
    public void Of_MissingFileThatTheUserNamed_IsBadUsage()
    {
        string path = Path.Combine(_folder, "absent.json");

        Assert.Equal(new ErrorReport($"no such file ({path}). Check the path.", 2), ErrorReport.Describe(Caught(() => File.ReadAllText(path)), ["score", "--pred", path]));
    }

    [Fact]
    public void Of_MissingFileUnderAFolderThatTheUserNamed_IsBadUsage()
    {
        string path = Path.Combine(_folder, "clips", "1.jpg");

        Assert.Equal(2, ErrorReport.Describe(Caught(() => File.ReadAllText(path)), ["eval", $"--data={_folder}/"]).ExitCode);
    }

    [Fact]
    public void Of_MissingFileOfTheProgramItself_IsAFailedRun() =>
        Assert.Equal(1, ErrorReport.Describe(Caught(() => File.ReadAllText(Path.Combine(_folder, "own"))), ["train", "--nproc", "2"]).ExitCode);

    [Fact]
    public void Of_FileWhereAFolderShouldBe_IsBadUsage()
    {
        string path = Path.Combine(_folder, "file");
        File.WriteAllText(path, "");

        ErrorReport report = ErrorReport.Describe(Caught(() => Directory.CreateDirectory(path)), ["train", "--out", path]);

        Assert.Equal(new ErrorReport($"a file of that name is in the way ({path}). Choose another path.", 2), report);
    }

    [Fact]
    public void Of_ErrorWrappedByAnother_ReportsTheCause() =>
        Assert.Equal(2, ErrorReport.Describe(new AggregateException(new BadInputException("a", "b", "C.")), []).ExitCode);

    private static Exception Caught(Action action) => Record.Exception(action)!;
}
